interface Due {
	readonly atMs: number;
	readonly order: number;
	readonly act: () => void;
	isCancelled: boolean;
}

/** Simulated time: nothing happens between two events, and all promises settle before the next one. */
export class Timeline {
	nowMs: number;
	#order = 0;
	/** A binary heap, the earliest first. */
	readonly #heap: Due[] = [];

	constructor(startMs: number) {
		this.nowMs = startMs;
	}

	/** Returns what takes it back. */
	in(delayMs: number, act: () => void): () => void {
		this.#order += 1;
		const due: Due = { atMs: this.nowMs + Math.ceil(delayMs), order: this.#order, act, isCancelled: false };
		this.#push(due);
		return () => {
			due.isCancelled = true;
		};
	}

	/** Lets everything happen up to `endMs`. */
	async runUntil(endMs: number): Promise<void> {
		for (;;) {
			const next = this.#heap[0];
			if (next === undefined || next.atMs > endMs) break;
			this.#pop();
			if (next.isCancelled) continue;
			this.nowMs = next.atMs;
			next.act();
			await settled();
		}
		this.nowMs = endMs;
	}

	#push(due: Due): void {
		const heap = this.#heap;
		let at = heap.length;
		heap.push(due);
		while (at > 0) {
			const above = (at - 1) >> 1;
			if (!isBefore(due, heap[above])) break;
			this.#swap(at, above);
			at = above;
		}
	}

	#pop(): void {
		const heap = this.#heap;
		const last = heap.pop();
		if (last === undefined || heap.length === 0) return;
		heap[0] = last;
		for (let at = 0; ; ) {
			const left = at * 2 + 1;
			const least = isBefore(heap[left + 1], heap[left]) ? left + 1 : left;
			if (!isBefore(heap[least], last)) return;
			this.#swap(at, least);
			at = least;
		}
	}

	#swap(one: number, other: number): void {
		const [a, b] = [this.#heap[one], this.#heap[other]];
		if (a === undefined || b === undefined) return;
		this.#heap[one] = b;
		this.#heap[other] = a;
	}
}

function isBefore(one: Due | undefined, other: Due | undefined): boolean {
	if (one === undefined) return false;
	if (other === undefined) return true;
	return one.atMs < other.atMs || (one.atMs === other.atMs && one.order < other.order);
}

/** Resolves when every promise that can settle now has. */
function settled(): Promise<void> {
	return new Promise((resolve) => {
		setImmediate(resolve);
	});
}
