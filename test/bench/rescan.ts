import { generateKeyPairSync } from "node:crypto";
import { linkSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ArchivesOptions, openArchives } from "@davit/agents/archives/archives.ts";
import { archiveOf, folderName } from "@davit/agents/archives/name-folders.ts";
import { signMessage } from "@davit/agents/archives/sign-manifest.ts";
import { packTree } from "@davit/agents/files/pack-tree.ts";
import { manifestFor } from "@davit/agents/files/plant-archive.ts";
import { instantOf, type Manifest, newId, ResourceId, resourceKey } from "@davit/protocol";
import { type Bench, percentile, type Row } from "./measure.ts";

const archivesPlanted = 10_000;
const resourcesPlanted = 100;
const lists = 5;

export const rescan: Bench = {
	name: "rescan",
	about: `what ${archivesPlanted.toLocaleString("en")} signed archives of ${resourcesPlanted} resources hold, told by an agent that remembers nothing, then told again (median of ${lists})`,
	async run(signal) {
		const folder = mkdtempSync(join(tmpdir(), "davit-rescan-"));
		try {
			const options = openOptions(join(folder, "archives"));
			await plant(folder, options, signal);
			return await measure(options);
		} finally {
			rmSync(folder, { recursive: true, force: true });
		}
	},
};

async function measure(options: ArchivesOptions): Promise<Row[]> {
	const archives = await openArchives(options);
	const listAll = async () => {
		const beganMs = performance.now();
		let count = 0;
		for (const resource of await archives.resources()) count += (await archives.list(resource)).length;
		if (count !== archivesPlanted) throw new Error(`${count} of ${archivesPlanted} archives were found`);
		return (performance.now() - beganMs) / 1000;
	};
	const first = await listAll();
	const later: number[] = [];
	for (let time = 0; time < lists; time += 1) later.push(await listAll());
	const what = `${archivesPlanted.toLocaleString("en")} archives`;
	return [
		{
			measure: `${what} known again from the disk alone`,
			...{ value: `${first.toFixed(1)} s`, peer: "", goal: "≤ 60 s", met: first <= 60 },
		},
		{
			measure: `${what} listed once they are known`,
			...{ value: `${percentile(later, 0.5).toFixed(2)} s`, peer: `${first.toFixed(1)} s at first` },
			...{ goal: "", met: undefined },
		},
	];
}

function openOptions(path: string): ArchivesOptions {
	const { privateKey, publicKey } = generateKeyPairSync("ed25519");
	const quiet = () => undefined;
	const log = { debug: quiet, info: quiet, warn: quiet, error: quiet };
	const spki = publicKey.export({ type: "spki", format: "der" }).toString("base64");
	return { path, privateKey, publicKey: spki, log, now: Date.now };
}

/** One content, and a signed manifest of its own for each archive. */
async function plant(folder: string, options: ArchivesOptions, signal: AbortSignal): Promise<void> {
	const root = join(folder, "tree");
	mkdirSync(root);
	writeFileSync(join(root, "file"), "what all of them hold");
	const packedIn = join(folder, "packed");
	mkdirSync(packedIn);
	const packed = await packTree({ root, directory: packedIn, signal });
	for (let number = 0; number < archivesPlanted; number += 1) {
		const command = newId();
		const resource = ResourceId.parse(`volume:v${number % resourcesPlanted}`);
		const takenAt = instantOf(Date.UTC(2026, 0, 1) + number * 60_000);
		const manifest = { ...manifestFor(packed, { command, publicKey: options.publicKey }), resource, takenAt };
		const place = join(options.path, resourceKey(resource), folderName(archiveOf(command), takenAt));
		writeArchive(place, manifest, { options, packedIn });
		if (number % 100 === 0) signal.throwIfAborted();
	}
}

function writeArchive(
	place: string,
	manifest: Manifest,
	{ options, packedIn }: { readonly options: ArchivesOptions; readonly packedIn: string },
): void {
	mkdirSync(place, { recursive: true });
	const bytes = Buffer.from(`${JSON.stringify(manifest, undefined, "\t")}\n`);
	writeFileSync(join(place, "MANIFEST.json.sig"), signMessage(bytes, options.privateKey));
	writeFileSync(join(place, "MANIFEST.json"), bytes);
	for (const { path } of manifest.artefacts) linkSync(join(packedIn, path), join(place, path));
}
