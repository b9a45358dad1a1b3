import { lstatSync, mkdirSync, readdirSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Row } from "../measure.ts";
import { measureJob, type Running } from "./measure-job.ts";
import { plantManifest } from "./plant-manifest.ts";

const holeBytes = 1024 ** 3;
const goalBytes = 1024 ** 2;

/** What a file costs that is one hole but for its end: in the archive, and on the disk once it is restored. */
export async function measureHole(folder: string, running: Running): Promise<Row> {
	const [root, archive, target] = [join(folder, "tree"), join(folder, "archive"), join(folder, "target")];
	mkdirSync(root, { recursive: true });
	writeFileSync(join(root, "sparse"), "");
	truncateSync(join(root, "sparse"), holeBytes);
	writeFileSync(join(root, "sparse"), "its end", { flag: "a" });
	await plantManifest(root, archive, running.signal);
	await measureJob({ kind: "unpack", archive, target }, running);
	const stored = readdirSync(archive).reduce((sum, name) => sum + lstatSync(join(archive, name)).size, 0);
	const { size, blocks } = lstatSync(join(target, "sparse"));
	if (size !== lstatSync(join(root, "sparse")).size) throw new Error(`the file came back with ${size} bytes`);
	return {
		measure: "a file with a hole of 1 GiB",
		value: `${stored} bytes in the archive, ${blocks * 512} on the disk after`,
		peer: "",
		goal: "< 1 MiB each",
		met: stored < goalBytes && blocks * 512 < goalBytes,
	};
}
