//! nginx before the registry: TLS ends there, and the registry gets another name.

use std::fs;
use std::net::SocketAddr;

use anyhow::Result;

use crate::e2e::scenario::Scenario;
use crate::e2e::server::Server;

/// Starts a proxy at `address` for `registry`, with the certificate of the example's private authority.
pub(crate) fn serve(scenario: &Scenario, address: SocketAddr, registry: SocketAddr) -> Result<Server> {
    let folder = scenario.path("nginx");
    fs::create_dir_all(&folder)?;
    let certificates = scenario.repository_path("examples/private-ca");
    let (folder_path, certificates) = (folder.display(), certificates.display());
    let configuration = format!(
        "daemon off;
pid {folder_path}/nginx.pid;
error_log {folder_path}/error.log;
events {{}}
http {{
    access_log {folder_path}/access.log;
    client_body_temp_path {folder_path}/body;
    proxy_temp_path {folder_path}/proxy;
    fastcgi_temp_path {folder_path}/fastcgi;
    uwsgi_temp_path {folder_path}/uwsgi;
    scgi_temp_path {folder_path}/scgi;
    server {{
        listen {address} ssl;
        ssl_certificate {certificates}/localhost.crt;
        ssl_certificate_key {certificates}/localhost.key;
        # Layers have any size, and are passed on while they arrive.
        client_max_body_size 0;
        proxy_request_buffering off;
        proxy_buffering off;
        location / {{
            proxy_pass http://{registry};
            proxy_http_version 1.1;
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $remote_addr;
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_set_header X-Forwarded-Host $http_host;
        }}
    }}
}}
"
    );
    let file = folder.join("nginx.conf");
    fs::write(&file, configuration)?;
    let arguments =
        ["-e".to_owned(), format!("{folder_path}/error.log"), "-c".to_owned(), file.display().to_string()];
    scenario.start_tool("nginx", &arguments, address)
}
