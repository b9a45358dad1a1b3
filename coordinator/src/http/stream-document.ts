import { setTimeout as delay } from "node:timers/promises";
import type { Desk } from "../desk.ts";
import type { Look } from "./looks.ts";

const beatMs = 15_000;

/**
 * A document's live form: one `data:` line with its JSON now and after each change, a comment every 15 s, an end after the
 * last state of what has ended.
 */
export async function* streamDocument(
	{ look, desk }: { look: Look; desk: Desk },
	signal: AbortSignal,
): AsyncGenerator<string> {
	using changes = listen(desk, look);
	let sent = "";
	while (!signal.aborted) {
		// Asked before it is read, so that a change between the two is not missed.
		const isOver = look.isOver();
		const document = look.read();
		const known = withoutTime(document);
		if (known !== sent) yield `data: ${JSON.stringify(document)}\n\n`;
		sent = known;
		if (isOver) return;
		if (!(await changes.next(signal))) yield ": beat\n\n";
	}
}

/** `asOf` moves with every reading; it alone is no change. */
function withoutTime(document: unknown): string {
	return JSON.stringify(document, (key, value: unknown) => (key === "asOf" ? undefined : value));
}

/** Remembers that something changed until it is asked for; `next` says false when a beat passed without. */
function listen(desk: Desk, look: Look) {
	let changed = Promise.withResolvers<boolean>();
	const stop = desk.onChange((what) => {
		if (look.isTouchedBy(what)) changed.resolve(true);
	});
	return {
		async next(signal: AbortSignal): Promise<boolean> {
			using timer = new DisposableAbort(signal);
			const beat = delay(beatMs, false, { signal: timer.signal }).catch(() => false);
			const isChange = await Promise.race([changed.promise, beat]);
			if (isChange) changed = Promise.withResolvers();
			return isChange;
		},
		[Symbol.dispose]: stop,
	};
}

/** A timer that ends with its scope. */
class DisposableAbort implements Disposable {
	readonly #controller = new AbortController();
	readonly signal: AbortSignal;

	constructor(signal: AbortSignal) {
		this.signal = AbortSignal.any([signal, this.#controller.signal]);
	}

	[Symbol.dispose](): void {
		this.#controller.abort();
	}
}
