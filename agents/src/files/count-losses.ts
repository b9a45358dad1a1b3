import { type RawPath, showRaw } from "./raw-path.ts";

/** What could not be made as it was: each kind of it once, with how often and where first. */
export class Losses {
	readonly #found = new Map<string, { count: number; first: RawPath }>();

	add(what: string, path: RawPath): void {
		const known = this.#found.get(what);
		if (known === undefined) this.#found.set(what, { count: 1, first: path });
		else known.count += 1;
	}

	get lines(): string[] {
		return [...this.#found].map(([what, { count, first }]) => {
			const more = count === 1 ? "" : ` and ${count - 1} more`;
			return `${what}: ${showRaw(first)}${more}`;
		});
	}
}
