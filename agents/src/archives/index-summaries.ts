import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { ArchiveSummary } from "@davit/protocol";
import { errnoOf } from "../files/file-failure.ts";
import { signatureFile } from "./commit-archive.ts";
import type { ArchiveFolder } from "./name-folders.ts";
import { manifestFile } from "./read-manifest.ts";
import { proofFile } from "./record-proof.ts";

/** Summaries that were read before, by the archive's folder: a list of thousands costs a look at three files of each. */
export class SummaryIndex {
	readonly #known = new Map<
		string,
		{ readonly stamp: string; readonly summary: ArchiveSummary | undefined }
	>();

	/** What was read before where none of those files was written since; else what `read` says now. */
	async summaryOf(
		{ path }: ArchiveFolder,
		read: () => Promise<ArchiveSummary | undefined>,
	): Promise<ArchiveSummary | undefined> {
		// Looked at first: what is written while it is read has another stamp the next time.
		const stamp = await stampOf(path);
		const known = this.#known.get(path);
		if (known?.stamp === stamp) return known.summary;
		const summary = await read();
		this.#known.set(path, { stamp, summary });
		return summary;
	}

	/** Everything is read again. */
	clear(): void {
		this.#known.clear();
	}

	/** Forgets what lies in a resource's folder no more. */
	keepOnly(parent: string, present: ReadonlySet<string>): void {
		for (const path of this.#known.keys()) {
			if (path.startsWith(`${parent}/`) && !present.has(path)) this.#known.delete(path);
		}
	}
}

async function stampOf(folder: string): Promise<string> {
	const files = [manifestFile, signatureFile, proofFile];
	return (await Promise.all(files.map((name) => stampOfFile(join(folder, name))))).join(" ");
}

async function stampOfFile(path: string): Promise<string> {
	try {
		const { ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
		return `${ino}:${size}:${mtimeNs}:${ctimeNs}`;
	} catch (error) {
		if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR") return "none";
		throw error;
	}
}
