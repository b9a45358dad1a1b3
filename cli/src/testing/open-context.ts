import type { Context, Invocation, Screen } from "../context.ts";
import { asOf } from "./documents.ts";

export interface TestContext extends Context {
	/** What was written so far. */
	readonly written: { out: string; err: string };
}

/** A context without a process around it; time stands still at `asOf`. */
export function openContext(home: string, more: Partial<Context> = {}): TestContext {
	const written = { out: "", err: "" };
	const screen = (name: "out" | "err"): Screen => ({
		isTerminal: false,
		columns: 110,
		hasUnicode: true,
		closed: new AbortController().signal,
		write(text) {
			written[name] += text;
		},
		async pour(parts) {
			for await (const part of parts) written[name] += Buffer.from(part).toString();
		},
		style: (_colour, text) => text,
	});
	return {
		home,
		settings: { port: undefined, broker: undefined },
		environment: {},
		out: screen("out"),
		err: screen("err"),
		wish: { json: false, quiet: false, mayAsk: false },
		interrupts: { listen: () => ({ [Symbol.dispose]: () => undefined }) },
		signal: AbortSignal.timeout(20_000),
		now: () => Date.parse(asOf),
		ask: () => Promise.reject(new Error("nobody may be asked here")),
		written,
		...more,
	};
}

export function invoke(words: readonly string[] = [], options: Invocation["options"] = {}): Invocation {
	return { words, options };
}
