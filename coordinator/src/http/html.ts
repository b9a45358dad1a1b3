const markup = Symbol("markup");

/** Text that is HTML already; only `html` makes it. */
export interface Html {
	readonly [markup]: string;
}

export type Inserted = Html | string | number | undefined | null | false | readonly Inserted[];

/**
 * A piece of HTML. What is inserted is escaped for text and for quoted attributes, unless it was made by `html` itself; lists
 * are joined; `undefined`, `null` and `false` leave nothing. Attributes must be quoted.
 */
export function html(strings: TemplateStringsArray, ...inserted: readonly Inserted[]): Html {
	const [first = "", ...rest] = tidy(strings);
	const text = rest.reduce((before, part, index) => before + render(inserted[index]) + part, first);
	return { [markup]: text };
}

/** The text of a piece of HTML. */
export function htmlText(piece: Html): string {
	return piece[markup];
}

/**
 * A name or a sentence from outside: kept apart from the direction of the text around it, with control and
 * direction-changing characters spelled out, so that it cannot look like another one.
 */
export function foreign(text: string): Html {
	return html`<bdi>${spelledOut(text)}</bdi>`;
}

/** The same for where no element can stand: a title, a name for readers. Never for a value that is sent back. */
export function spelledOut(text: string): string {
	return text.replaceAll(deceiving, spellOut);
}

// Controls, soft hyphen, zero width and direction characters, line separators, tags.
const deceiving =
	/[\p{Cc}\u00AD\u061C\u180E\u200B-\u200F\u2028-\u202E\u2060-\u206F\uFEFF\uFFF9-\uFFFB\u{E0000}-\u{E007F}]/gu;

function spellOut(character: string): string {
	if (character === "\n") return "⏎";
	return `⟨U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}⟩`;
}

function render(value: Inserted): string {
	if (value === undefined || value === null || value === false) return "";
	if (typeof value === "string") return escapeText(value);
	if (typeof value === "number") return String(value);
	return markup in value ? value[markup] : value.map(render).join("");
}

const entities: Readonly<Record<string, string>> = {
	"&": "&amp;",
	"<": "&lt;",
	">": "&gt;",
	'"': "&quot;",
	"'": "&#39;",
};

function escapeText(text: string): string {
	return text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? "");
}

const tidied = new WeakMap<TemplateStringsArray, readonly string[]>();

/** The indentation of the source is not sent. */
function tidy(strings: TemplateStringsArray): readonly string[] {
	const known = tidied.get(strings) ?? strings.map((part) => part.replaceAll(/\n\s*/g, "\n"));
	tidied.set(strings, known);
	return known;
}
