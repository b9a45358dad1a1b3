import { type BigIntStats, createReadStream } from "node:fs";
import { mkdir, open, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { createInterface } from "node:readline";
import { errnoOf } from "./file-failure.ts";
import type { RawPath } from "./raw-path.ts";

/** What was seen of one entry. `stamp` is what restic too goes by to say that a file did not change (ADR 0057). */
interface Seen {
	readonly stamp: string;
	/** Of a file; `-` else. */
	readonly sha256: string;
	/** It had not changed for so long that another change shows. */
	readonly isSettled: boolean;
}

const settledNs = 2_000_000_000n;

/** What was seen of a tree's entries the last time it was indexed, and what is seen this time, by raw path. */
export class SeenTree {
	readonly #before: ReadonlyMap<RawPath, Seen>;
	readonly #lines: string[] = [];
	readonly #beganNs = BigInt(Date.now()) * 1_000_000n;

	private constructor(before: ReadonlyMap<RawPath, Seen>) {
		this.#before = before;
	}

	/** What a file of this path holds; nothing where it is missing. A line that cannot be read is one digest less. */
	static async read(path: string): Promise<SeenTree> {
		const before = new Map<RawPath, Seen>();
		try {
			for await (const line of createInterface({ input: createReadStream(path, "latin1") })) {
				const [stamp, sha256, settled, name] = line.split(" ");
				if (stamp === undefined || sha256 === undefined || name === undefined) continue;
				before.set(decodeURIComponent(name), { stamp, sha256, isSettled: settled === "1" });
			}
		} catch (error) {
			if (errnoOf(error) !== "ENOENT") throw error;
		}
		return new SeenTree(before);
	}

	/** The digest of a file whose size, times and inode are what they were. */
	digestOf(path: RawPath, stat: BigIntStats): string | undefined {
		const seen = this.#before.get(path);
		const isSame = seen?.isSettled === true && seen.stamp === stampOf(stat) && seen.sha256.length === 64;
		return isSame ? seen.sha256 : undefined;
	}

	keep(path: RawPath, stat: BigIntStats, sha256 = "-"): void {
		const isSettled = stat.ctimeNs < this.#beganNs - settledNs;
		this.#lines.push(`${stampOf(stat)} ${sha256} ${isSettled ? 1 : 0} ${encodeURIComponent(path)}\n`);
	}

	/** Replaces the file by what was kept this time. */
	async write(path: string): Promise<void> {
		await mkdir(dirname(path), { recursive: true, mode: 0o700 });
		{
			await using file = await open(`${path}.partial`, "w", 0o600);
			await file.writeFile(this.#lines.join(""), "latin1");
		}
		await rename(`${path}.partial`, path);
	}

	/** Whether an entry is what it was. */
	isSame(path: RawPath, stat: BigIntStats): boolean {
		return this.#before.get(path)?.stamp === stampOf(stat);
	}

	paths(): Iterable<RawPath> {
		return this.#before.keys();
	}
}

function stampOf({ size, mtimeNs, ctimeNs, ino, dev, mode }: BigIntStats): string {
	return [size, mtimeNs, ctimeNs, dev, ino, mode].join("-");
}
