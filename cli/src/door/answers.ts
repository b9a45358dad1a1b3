import type {
	AccountDocument,
	AddressDocument,
	ArchiveContentDocument,
	ArchiveDocument,
	ArchivesDocument,
	DifferencesDocument,
	ErrorDocument,
	GottenDocument,
	HostDocument,
	HostsDocument,
	JoinDocument,
	PlanDocument,
	PreviewDocument,
	RecoveryDocument,
	RecoveryKitDocument,
	RescanDocument,
	ResourceDocument,
	ResourcesDocument,
	RunDocument,
	RunsDocument,
	ScheduleDocument,
	SchedulesDocument,
	SimulationDocument,
	StartedDocument,
	StatusDocument,
} from "@davit/protocol";

type AnyDocument =
	| AccountDocument
	| AddressDocument
	| ArchiveContentDocument
	| ArchiveDocument
	| ArchivesDocument
	| DifferencesDocument
	| ErrorDocument
	| GottenDocument
	| HostDocument
	| HostsDocument
	| JoinDocument
	| PlanDocument
	| PreviewDocument
	| RecoveryDocument
	| RecoveryKitDocument
	| RescanDocument
	| ResourceDocument
	| ResourcesDocument
	| RunDocument
	| RunsDocument
	| ScheduleDocument
	| SchedulesDocument
	| SimulationDocument
	| StartedDocument
	| StatusDocument;

export type Schema = AnyDocument["schema"];
export type DocumentOf<Name extends Schema> = Extract<AnyDocument, { schema: Name }>;

/**
 * Whether an answer is the document that was asked for. It was checked by the coordinator of the same Davit on the same
 * machine, so its own word about its shape is enough here; a newer shape has another name.
 */
export function isDocument<Name extends Schema>(answer: unknown, schema: Name): answer is DocumentOf<Name> {
	return isRecord(answer) && answer["schema"] === schema;
}

export function isRecord(answer: unknown): answer is Readonly<Record<string, unknown>> {
	return typeof answer === "object" && answer !== null && !Array.isArray(answer);
}
