import { CommandId } from "@davit/protocol";

/** Everything random in a simulated life, drawn from one seed (sfc32). */
export class Chance {
	#a: number;
	#b: number;
	#c: number;
	#counter = 1;

	constructor(seed: number) {
		this.#a = seed | 0;
		this.#b = Math.imul(seed, 0x9e3779b1) | 0;
		this.#c = 0x5f356495;
		for (let round = 0; round < 12; round += 1) this.next();
	}

	/** From 0 up to, not including, 1. */
	next(): number {
		const sum = (this.#a + this.#b + this.#counter) | 0;
		this.#counter = (this.#counter + 1) | 0;
		this.#a = this.#b ^ (this.#b >>> 9);
		this.#b = (this.#c + (this.#c << 3)) | 0;
		this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum;
		return (sum >>> 0) / 2 ** 32;
	}

	/** True in `share` of all cases. */
	hits(share: number): boolean {
		return share > 0 && this.next() < share;
	}

	between(low: number, high: number): number {
		return low + this.next() * (high - low);
	}

	/** Both ends are possible. */
	whole(low: number, high: number): number {
		return Math.floor(this.between(low, high + 1));
	}

	pick<Item>(items: readonly Item[]): Item {
		const item = items[Math.floor(this.next() * items.length)];
		if (item === undefined) throw new RangeError("nothing to pick from");
		return item;
	}

	/** A command's id as if it was made at `nowMs`. */
	commandId(nowMs: number): CommandId {
		const time = nowMs.toString(16).padStart(12, "0");
		const rest = Array.from({ length: 18 }, () => Math.floor(this.next() * 16).toString(16)).join("");
		const groups = [time.slice(0, 8), time.slice(8), `7${rest.slice(0, 3)}`, `8${rest.slice(3, 6)}`];
		return CommandId.parse([...groups, rest.slice(6)].join("-"));
	}
}
