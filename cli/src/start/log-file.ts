import { closeSync, existsSync, openSync, renameSync, statSync, writeSync } from "node:fs";

const maximumBytes = 5_000_000;

/** A child's log: appended to, and moved to `.1` when it has grown, so that two files are the most there is. */
export class LogFile implements Disposable {
	readonly path: string;
	#handle: number;
	#bytes: number;

	constructor(path: string) {
		this.path = path;
		this.#bytes = existsSync(path) ? statSync(path).size : 0;
		this.#handle = openSync(path, "a", 0o600);
	}

	write(line: string): void {
		if (this.#bytes > maximumBytes) this.#rotate();
		this.#bytes += writeSync(this.#handle, `${line}\n`);
	}

	#rotate(): void {
		closeSync(this.#handle);
		renameSync(this.path, `${this.path}.1`);
		this.#handle = openSync(this.path, "a", 0o600);
		this.#bytes = 0;
	}

	[Symbol.dispose](): void {
		closeSync(this.#handle);
	}
}
