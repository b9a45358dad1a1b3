/** Where text goes: standard output (the answer) or standard error (the story). */
export interface Screen {
	readonly isTerminal: boolean;
	/** How wide a line may be. */
	readonly columns: number;
	/** False where the terminal's locale has no Unicode. */
	readonly hasUnicode: boolean;
	/** Whether the reader went away; what is written then is lost without a word. */
	readonly closed: AbortSignal;
	write(text: string): void;
	/** Bytes as they are, no faster than the reader takes them. */
	pour(parts: AsyncIterable<Uint8Array>): Promise<void>;
	style(colour: StyleName, text: string): string;
}

export type StyleName = "red" | "green" | "yellow" | "gray" | "bold" | "cyan";

/** Ctrl-C, for the command that wants to know of it; while nobody listens it ends the process. */
export interface Interrupts {
	listen(listener: () => void): Disposable;
}

/** How the answer is wanted. */
export interface Wish {
	readonly json: boolean;
	/** Only ids; with `json`, only the last line. */
	readonly quiet: boolean;
	/** A person sits there who can be asked. */
	readonly mayAsk: boolean;
}

/** Everything a command may use of the world around it. */
export interface Context {
	/** Where all state lies: `DAVIT_HOME` or the platform's usual place. */
	readonly home: string;
	/** `DAVIT_PORT` and `DAVIT_BROKER`, where they are set. */
	readonly settings: { readonly port: string | undefined; readonly broker: string | undefined };
	/** What children are started with. */
	readonly environment: Readonly<Record<string, string | undefined>>;
	readonly out: Screen;
	readonly err: Screen;
	readonly wish: Wish;
	readonly interrupts: Interrupts;
	/** Ends with SIGTERM, SIGHUP. */
	readonly signal: AbortSignal;
	readonly now: () => number;
	/** Asks for one line of text. */
	ask(question: string, signal: AbortSignal): Promise<string>;
}

/** What was typed after the verb. */
export interface Invocation {
	readonly words: readonly string[];
	readonly options: Readonly<Record<string, unknown>>;
}

/** Carries a command out and answers how `davit` ends. */
export type Command = (invocation: Invocation, context: Context) => Promise<number>;

export function textOption(invocation: Invocation, name: string): string | undefined {
	const value = invocation.options[name];
	return typeof value === "string" ? value : undefined;
}

export function flagOption(invocation: Invocation, name: string): boolean {
	return invocation.options[name] === true;
}

export function listOption(invocation: Invocation, name: string): readonly string[] {
	const value = invocation.options[name];
	return Array.isArray(value) ? value.map(String) : [];
}

/** The word at `index`; the parser has already refused a call without it. */
export function wordAt(invocation: Invocation, index: number): string {
	const word = invocation.words[index];
	if (word === undefined) throw new TypeError(`the parser let a call without word ${index} through`);
	return word;
}
