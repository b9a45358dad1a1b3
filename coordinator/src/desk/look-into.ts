import {
	type ArchiveContentDocument,
	type BackupChoice,
	BrowseResult,
	type DifferencesDocument,
	DiffResult,
	FolderPath,
	GetResult,
	type GottenDocument,
	type HostName,
	instantOf,
	OperationError,
	type PreviewDocument,
	PreviewResult,
	type PrincipalName,
	type RescanDocument,
	RescanResult,
	type ResourceId,
	resourceId,
} from "@davit/protocol";
import type { CoordinatorCore } from "../core/core.ts";
import { archiveDocument } from "../documents/details.ts";
import type { Question } from "../looking/ask-host.ts";
import { findHost } from "../requests/names.ts";

export interface LookWanted {
	/** An archive's id or its unique beginning. */
	readonly archive: string;
	readonly from: number;
}

export interface PreviewWanted {
	readonly host: HostName;
	readonly resource: ResourceId;
	readonly choice: BackupChoice;
}

interface Asking {
	readonly principal: PrincipalName;
	readonly signal: AbortSignal;
}

/** One folder of an archive. @throws OperationError as a request would be refused, or why the host could not | cancelled */
export async function lookIntoFolder(
	core: CoordinatorCore,
	{ archive, from, folder }: LookWanted & { readonly folder: string },
	asking: Asking,
): Promise<ArchiveContentDocument> {
	const { row } = archiveDocument(core.parts, archive);
	const params = { archive: row.id, from, ...(folder === "" ? {} : { folder }) };
	const question = { host: row.host, resource: row.resource, verb: "browse", params } as const;
	const content = BrowseResult.parse(await ask(core, question, asking));
	return { schema: "davit/content/1", asOf: instantOf(core.parts.now()), row, ...content };
}

/** What differs between an archive and the present data or another archive. @throws OperationError as above */
export async function lookForDifferences(
	core: CoordinatorCore,
	{ archive, from, against }: LookWanted & { readonly against: string },
	asking: Asking,
): Promise<DifferencesDocument> {
	const { row } = archiveDocument(core.parts, archive);
	const other = against === "live" ? against : archiveDocument(core.parts, against).row.id;
	const params = { archive: row.id, from, against: other };
	const question = { host: row.host, resource: row.resource, verb: "diff", params } as const;
	const found = DiffResult.parse(await ask(core, question, asking));
	return { schema: "davit/differences/1", asOf: instantOf(core.parts.now()), row, ...found };
}

/** Takes one file or folder out of an archive, on its host. @throws OperationError as above */
export async function takeOut(
	core: CoordinatorCore,
	{ archive, inner }: { readonly archive: string; readonly inner: string },
	asking: Asking,
): Promise<GottenDocument> {
	const { row } = archiveDocument(core.parts, archive);
	const params = { archive: row.id, inner };
	const question = { host: row.host, resource: row.resource, verb: "get", params } as const;
	const found = GetResult.parse(await ask(core, question, asking));
	return { schema: "davit/gotten/1", asOf: instantOf(core.parts.now()), row, ...found };
}

/** Rebuilds what is known of a host's archives. @throws OperationError as above | host-not-found */
export async function rescanHost(
	core: CoordinatorCore,
	name: string,
	asking: Asking,
): Promise<RescanDocument> {
	const { host, description } = findHost(core.parts, name).record;
	if (description === null) {
		throw new OperationError("host-offline", `${host} was never heard, so nothing is known of its archives`);
	}
	const resource = resourceId({ kind: "path", path: FolderPath.parse(description.archivesPath) });
	const question = { host, resource, verb: "rescan", params: {} } as const;
	const found = RescanResult.parse(await ask(core, question, asking));
	return { schema: "davit/rescan/1", asOf: instantOf(core.parts.now()), host, ...found };
}

/** What a backup would do. @throws OperationError as above */
export async function previewBackup(
	core: CoordinatorCore,
	{ host, resource, choice }: PreviewWanted,
	asking: Asking,
): Promise<PreviewDocument> {
	const question = { host, resource, verb: "preview", params: choice } as const;
	const found = PreviewResult.parse(await ask(core, question, asking));
	return { schema: "davit/preview/1", asOf: instantOf(core.parts.now()), host, ...found };
}

function ask(
	core: CoordinatorCore,
	question: Question,
	{ principal, signal }: Asking,
): Promise<Readonly<Record<string, unknown>>> {
	return new Promise((resolve, reject) => {
		signal.throwIfAborted();
		const abort = () =>
			reject(new OperationError("cancelled", `the answer of ${question.host} was not waited for`));
		signal.addEventListener("abort", abort, { once: true });
		core.askHost(question, principal, (answer) => {
			signal.removeEventListener("abort", abort);
			try {
				resolve(answer());
			} catch (error) {
				reject(error);
			}
		});
	});
}
