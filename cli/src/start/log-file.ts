import { closeSync, existsSync, openSync, renameSync, statSync, writeSync } from "node:fs";

const maximumBytes = 5_000_000;

/** What a disk answers that takes nothing more for now. */
const diskFailures: readonly unknown[] = ["ENOSPC", "EDQUOT", "EIO", "EROFS"];

/**
 * A child's log: appended to, and moved to `.1` when it has grown, so that two files are the most there is. A disk that is
 * full costs lines, never the child: how many is written once there is room again.
 */
export class LogFile implements Disposable {
	readonly path: string;
	#handle: number;
	#bytes: number;
	#lostLines = 0;

	constructor(path: string) {
		this.path = path;
		this.#bytes = existsSync(path) ? statSync(path).size : 0;
		this.#handle = openSync(path, "a", 0o600);
	}

	write(line: string): void {
		const lost =
			this.#lostLines === 0 ? "" : `(${this.#lostLines} lines were lost: the disk did not take them)\n`;
		try {
			if (this.#bytes > maximumBytes) this.#rotate();
			this.#bytes += writeSync(this.#handle, `${lost}${line}\n`);
			this.#lostLines = 0;
		} catch (error) {
			if (!(error instanceof Error && "code" in error && diskFailures.includes(error.code))) throw error;
			this.#lostLines += 1;
		}
	}

	#rotate(): void {
		renameSync(this.path, `${this.path}.1`);
		const fresh = openSync(this.path, "a", 0o600);
		closeSync(this.#handle);
		this.#handle = fresh;
		this.#bytes = 0;
	}

	[Symbol.dispose](): void {
		closeSync(this.#handle);
	}
}
