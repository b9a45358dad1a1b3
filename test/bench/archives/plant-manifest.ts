import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { packTree } from "@davit/agents/files/pack-tree.ts";
import { manifestFor } from "@davit/agents/files/plant-archive.ts";

/** An archive that can be unpacked: that needs a manifest, which a packing alone does not write. */
export async function plantManifest(root: string, archive: string, signal: AbortSignal): Promise<void> {
	rmSync(archive, { recursive: true, force: true });
	mkdirSync(archive);
	const packed = await packTree({ root, directory: archive, signal });
	writeFileSync(join(archive, "MANIFEST.json"), JSON.stringify(manifestFor(packed)));
}
