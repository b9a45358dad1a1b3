import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type ArchiveId, type ArchiveSummary, Instant, type ResourceId, resourceKey } from "@davit/protocol";
import { z } from "zod";
import { errnoOf } from "../files/file-failure.ts";
import { makeFolder, writeDurably } from "./write-durably.ts";

const Mark = z.object({
	markedAt: Instant,
	/** Time that the agent had served when it was marked. */
	servedMs: z.number(),
	/** When it goes at the earliest, if the agent serves without a break. */
	goesAt: Instant,
});

const Kept = z.object({
	sequence: z.int().positive().optional(),
	pinnedAt: Instant.optional(),
	mark: Mark.optional(),
});

const Keeping = z.object({
	version: z.literal(1),
	/** The next archive's number; none is given twice. */
	next: z.int().positive(),
	hold: z.object({ since: Instant, because: z.string() }).optional(),
	/** A person looked at the archives up to this number and found them in order. */
	released: z.int().nonnegative().optional(),
	archives: z.record(z.string(), Kept),
});
/** What is known of a resource's archives beside what is in them: their order, what a person wants kept, what is about to go. */
export type Keeping = z.infer<typeof Keeping>;
export type Kept = z.infer<typeof Kept>;

const Served = z.object({ version: z.literal(1), servedMs: z.number().nonnegative() });

/** What is known of the archives of all resources, on the disk beside them. */
export interface KeepRecords {
	read(resource: ResourceId): Promise<Keeping>;
	/** One change after the other, each durable when it resolves. */
	change(resource: ResourceId, change: (keeping: Keeping) => Keeping): Promise<void>;
	/** How long agents have served these archives, whatever clocks said meanwhile. */
	servedMs(): number;
	/** Without it a crash forgets what was served since the last time. */
	saveServed(): Promise<void>;
}

/** `elapsedMs` is a clock that nobody sets. */
export async function openKeepRecords(path: string, elapsedMs: () => number): Promise<KeepRecords> {
	const folder = join(path, ".keeping");
	const servedFile = join(folder, "served.json");
	const served = Served.safeParse(await readJson(servedFile));
	const earlierMs = served.success ? served.data.servedMs : 0;
	const beganMs = elapsedMs();
	const servedMs = () => Math.round(earlierMs + elapsedMs() - beganMs);
	const fileOf = (resource: ResourceId) => join(folder, `${resourceKey(resource)}.json`);
	let order: Promise<void> = Promise.resolve();
	const read = async (resource: ResourceId) => readKeeping(fileOf(resource));
	const afterwards = (work: () => Promise<void>): Promise<void> => {
		const done = order.then(work);
		order = done.catch(() => undefined);
		return done;
	};
	return {
		read,
		change: (resource, change) =>
			afterwards(async () => {
				await makeFolder(folder);
				await writeDurably(fileOf(resource), `${JSON.stringify(change(await read(resource)))}\n`);
			}),
		servedMs,
		saveServed: () =>
			afterwards(async () => {
				await makeFolder(folder);
				await writeDurably(servedFile, `${JSON.stringify({ version: 1, servedMs: servedMs() })}\n`);
			}),
	};
}

/** The same with something changed of one archive. */
export function withKept(keeping: Keeping, archive: ArchiveId, change: (kept: Kept) => Kept): Keeping {
	const kept = change(keeping.archives[archive] ?? {});
	return { ...keeping, archives: { ...keeping.archives, [archive]: kept } };
}

export function withoutMark({ mark: _mark, ...kept }: Kept): Kept {
	return kept;
}

/** Gives an archive its number; the same one however often it is asked. */
export function withSequence(keeping: Keeping, archive: ArchiveId): Keeping {
	if (keeping.archives[archive]?.sequence !== undefined) return keeping;
	const numbered = withKept(keeping, archive, (kept) => ({ ...kept, sequence: keeping.next }));
	return { ...numbered, next: keeping.next + 1 };
}

export function withoutArchive(keeping: Keeping, archive: ArchiveId): Keeping {
	const { [archive]: _gone, ...archives } = keeping.archives;
	return { ...keeping, archives };
}

/** The summaries with what is recorded of each. */
export function withRecords(summaries: readonly ArchiveSummary[], { archives }: Keeping): ArchiveSummary[] {
	return summaries.map((summary) => {
		const { sequence, pinnedAt, mark } = archives[summary.id] ?? {};
		return {
			...summary,
			...(sequence === undefined ? {} : { sequence }),
			...(pinnedAt === undefined ? {} : { pinnedAt }),
			...(mark === undefined ? {} : { goesAt: mark.goesAt }),
		};
	});
}

async function readKeeping(file: string): Promise<Keeping> {
	const content = await readJson(file);
	if (content === undefined) return { version: 1, next: 1, archives: {} };
	const keeping = Keeping.safeParse(content);
	if (keeping.success) return keeping.data;
	const because = `what was pinned cannot be read any more: ${file} is damaged; look at its archives`;
	// Numbers that may have been given before are left out.
	const next = 1_000_000;
	return {
		version: 1,
		next,
		hold: { since: Instant.parse("1970-01-01T00:00:00.000Z"), because },
		archives: {},
	};
}

/** Undefined where there is no file; what is no JSON is returned as text. */
async function readJson(file: string): Promise<unknown> {
	let text: string;
	try {
		text = await readFile(file, "utf8");
	} catch (error) {
		if (errnoOf(error) === "ENOENT") return undefined;
		throw error;
	}
	try {
		return JSON.parse(text);
	} catch (error) {
		if (error instanceof SyntaxError) return text;
		throw error;
	}
}
