import { resolveAddress } from "../address.ts";
import { usageError } from "../command-error.ts";
import { type Context, type Invocation, textOption, wordAt } from "../context.ts";
import type { DocumentOf } from "../door/answers.ts";
import { callFor } from "../door/call.ts";
import { numberOption } from "../options.ts";
import { archiveTable, hostTable, resourceTable, runTable, scheduleTable } from "../output/describe.ts";
import { say, writeAnswer } from "../output/write.ts";

const schemas = {
	hosts: "davit/hosts/1",
	resources: "davit/resources/1",
	archives: "davit/archives/1",
	runs: "davit/runs/1",
	schedules: "davit/schedules/1",
} as const;

type Kind = keyof typeof schemas;
type ListDocument = DocumentOf<(typeof schemas)[Kind]>;

/** Lists one kind of thing: every row, or one page of them. */
export async function list(invocation: Invocation, context: Context): Promise<number> {
	const kind = readKind(wordAt(invocation, 0));
	const filter = await readFilter(invocation, { kind, context });
	const page = numberOption(invocation, "page");
	const document =
		page === undefined
			? await readAll(kind, filter, context)
			: await readPage(kind, { filter, page }, context);
	writeAnswer(context, {
		document,
		ids: idsOf(document),
		text: () => (document.items.length === 0 ? "" : tableOf(document, context)),
	});
	if (document.items.length === 0 && !context.wish.json) say(context, `no ${kind} to list`);
	if (document.pages > document.page) say(context, `page ${document.page} of ${document.pages}`);
	return 0;
}

function readKind(word: string): Kind {
	const plural = word.endsWith("s") ? word : `${word}s`;
	const kind = (Object.keys(schemas) as Kind[]).find((name) => name === plural); // Object.keys gives exactly the keys
	if (kind !== undefined) return kind;
	throw usageError(`there is no list of ${word}`, `davit list ${Object.keys(schemas).join(" | ")}`);
}

async function readFilter(
	invocation: Invocation,
	{ kind, context }: { kind: Kind; context: Context },
): Promise<URLSearchParams> {
	const filter = new URLSearchParams();
	const address = invocation.words[1];
	const host = textOption(invocation, "host");
	const state = textOption(invocation, "state");
	if (address !== undefined) {
		if (kind === "hosts" || kind === "schedules") {
			throw usageError(`a list of ${kind} takes no address`, `davit list ${kind}`);
		}
		const resolved = await resolveAddress(address, context);
		filter.set("host", resolved.host);
		if (resolved.resource !== null) filter.set("resource", resolved.resource);
	}
	if (host !== undefined) filter.set("host", host);
	if (state !== undefined) filter.set("state", state);
	return filter;
}

async function readPage(
	kind: Kind,
	{ filter, page }: { filter: URLSearchParams; page: number },
	context: Context,
): Promise<ListDocument> {
	const query = new URLSearchParams(filter);
	query.set("page", String(page));
	return await callFor(schemas[kind], { method: "GET", path: `/${kind}?${query}` }, context);
}

/** All pages as one. Rows that move between two pages while they are read are listed once. */
async function readAll(kind: Kind, filter: URLSearchParams, context: Context): Promise<ListDocument> {
	const first = await readPage(kind, { filter, page: 1 }, context);
	if (first.pages <= 1) return first;
	const items = new Map<string, unknown>(first.items.map((item) => [idOf(item), item]));
	for (let page = 2; page <= first.pages; page += 1) {
		const next = await readPage(kind, { filter, page }, context);
		for (const item of next.items) items.set(idOf(item), item);
	}
	// The rows are of the very documents that they are put together from.
	return { ...first, page: 1, pages: 1, items: [...items.values()] } as ListDocument;
}

function idsOf(document: ListDocument): string[] {
	return document.items.map(idOf);
}

/** What a person would type to name the row. */
function idOf(item: ListDocument["items"][number]): string {
	if ("run" in item && "operation" in item) return item.run;
	if ("cron" in item) return item.name;
	if ("short" in item) return item.id;
	if ("address" in item) return item.address;
	return item.host;
}

function tableOf(document: ListDocument, context: Context): string {
	switch (document.schema) {
		case "davit/hosts/1":
			return hostTable(document.items, context);
		case "davit/resources/1":
			return resourceTable(document.items, context);
		case "davit/archives/1":
			return archiveTable(document.items, context);
		case "davit/runs/1":
			return runTable(document.items, context);
		case "davit/schedules/1":
			return scheduleTable(document.items, context);
	}
}
