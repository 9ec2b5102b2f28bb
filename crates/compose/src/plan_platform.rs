//! The plan's lines of one platform.

use crate::composition::Composition;
use crate::image::Image;
use crate::layer_store::LayerStore;
use crate::plan::{LayerLine, PlatformPlan};

/// Returns what a composition does, with the layers that are known already.
pub(crate) fn platform_plan(
    composition: &Composition,
    base: Option<&Image>,
    layers: &LayerStore<'_>,
) -> PlatformPlan {
    let lines = layer_lines(composition, base, layers);
    let sizes: Option<Vec<u64>> = lines.iter().map(|line| line.size_bytes).collect();
    PlatformPlan {
        platform: composition.platform.clone(),
        packages: composition.choice.lines(),
        waived: composition.choice.waived_lines(),
        collisions: composition.collisions.clone(),
        environment: composition.environment.clone(),
        entrypoint: composition.commands.entrypoint.clone(),
        cmd: composition.commands.cmd.clone(),
        user: composition.user.clone(),
        work_dir: composition.work_dir.clone(),
        accounts: composition.accounts.clone(),
        size_bytes: sizes.map(|sizes| sizes.iter().sum()),
        layers: lines,
        files: composition.files.clone(),
        generated: composition.generated.clone(),
        removed: composition.removed.clone(),
        not_reproduced: composition.not_reproduced.clone(),
        findings: composition.findings.clone(),
    }
}

fn layer_lines(composition: &Composition, base: Option<&Image>, layers: &LayerStore<'_>) -> Vec<LayerLine> {
    let base = base.and_then(|base| base.find(&composition.platform));
    let base_layers = base.into_iter().flat_map(|base| &base.manifest.layers).map(|layer| {
        let recompressed = composition.recompresses(layer);
        let known = layers.find_recompressed(&layer.digest, composition.compression);
        let (digest, size_bytes) = match (recompressed, known) {
            (false, _) => (Some(layer.digest), Some(layer.size)),
            (true, Some(record)) => (Some(record.digest), Some(record.size_bytes)),
            (true, None) => (None, None),
        };
        LayerLine {
            name: if recompressed {
                format!("base, written again as {}", composition.compression)
            } else {
                "base".to_owned()
            },
            action: if digest.is_some() { "reused" } else { "new" }.to_owned(),
            digest,
            size_bytes,
            content_size_bytes: None,
            entries: None,
        }
    });
    let new_layers = composition.layers.iter().map(|layer| {
        let known = layers.find(&layer.segments, composition.compression);
        LayerLine {
            name: layer.name.clone(),
            action: if known.is_some() { "reused" } else { "new" }.to_owned(),
            digest: known.map(|record| record.digest),
            size_bytes: known.map(|record| record.size_bytes),
            content_size_bytes: Some(layer.content_size_bytes),
            entries: Some(layer.entries),
        }
    });
    base_layers.chain(new_layers).collect()
}
