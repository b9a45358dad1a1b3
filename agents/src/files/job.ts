import type { Artefact, KeyHolder, Manifest } from "@davit/protocol";
import type { Seal } from "../encryption/find-header.ts";

/** What can be asked of the files of a host, as JSON: run in a worker thread, or in a process inside a container. */
export type FileJob =
	| ({ readonly kind: "pack" } & Packing)
	| ({ readonly kind: "unpack"; readonly target: string } & Opened)
	| ({ readonly kind: "compare"; readonly wanted: Wanted; readonly root?: string } & Strictness)
	| {
			readonly kind: "diff";
			readonly before: Wanted;
			readonly after: Wanted;
			readonly from: number;
			readonly count: number;
	  }
	| ({
			readonly kind: "compose";
			readonly target: string;
			readonly choice: Choice;
			/** The tree that the chosen entries go over; absent = none. */
			readonly present?: string;
			/** A tree that holds the chosen files under their own paths; absent = the archive does. */
			readonly restored?: string;
	  } & Opened)
	| ({ readonly kind: "copy" } & Copying)
	| ({ readonly kind: "index"; readonly directory: string } & Listing)
	| ({ readonly kind: "recheck" } & Listing)
	| { readonly kind: "measure"; readonly root: string }
	| { readonly kind: "find-databases"; readonly root: string }
	| ({ readonly kind: "verify" } & Opened)
	| ({ readonly kind: "sample"; readonly sample: Sample } & Opened);

/** A tree that becomes the two files of an archive. */
export interface Packing {
	readonly root: string;
	readonly directory: string;
	readonly seals?: Seals;
	/** What its files hold, as far as it is known; for progress. Absent = it is measured first, which is one more walk. */
	readonly expectedBytes?: number;
}

/** Which part of an archive's content is read. */
export interface Sample {
	/** Of its frames; above 0, at most 100. */
	readonly percent: number;
	/** Chooses which. */
	readonly seed: number;
}

/** A tree whose entries are listed, and checked again, without being copied. */
export interface Listing {
	readonly root: string;
	/** What was seen the last time, and then this time; a file that need not be there. */
	readonly seen: string;
	/** Raw paths of files that are left out, since they changed while they were read before. */
	readonly without: readonly string[];
}

/** A tree that becomes another one. */
export interface Copying {
	readonly root: string;
	/** Empty or missing. */
	readonly target: string;
	/** A folder for the list of what was copied; empty or missing. */
	readonly listed: string;
	/** What its files hold, as far as it is known; for progress. */
	readonly totalBytes: number;
}

/** How an archive's two files are encrypted. */
export interface Seals {
	readonly content: Seal;
	readonly entries: Seal;
	readonly recipients: readonly KeyHolder[];
}

/** An archive's folder; of an encrypted one with the key of each file, in base64, by its name: what may be read of it. */
export interface Opened {
	readonly archive: string;
	readonly fileKeys?: FileKeys;
}

export type FileKeys = Readonly<Record<string, string>>;

export interface Strictness {
	/**
	 * Directories' times count too, as after an unpacking. Without it they do not: they follow from what is added and removed in
	 * them, and a person would not call that a replacement.
	 */
	readonly exact?: boolean;
	/** Attributes do not count: where it is known that some could not be set. */
	readonly withoutAttributes?: boolean;
	/** No content is read: of two trees on one disk, files with the same size, owner, mode and time count as the same. */
	readonly byMetadata?: boolean;
}

/** What is taken of an archive: these files and folders, or all; a merge removes nothing. */
export interface Choice {
	readonly paths?: readonly string[];
	readonly merge?: boolean;
}

/** What a tree is compared with: an archive's folder, what is chosen of it put over another tree, a tree, or what a copy listed. */
export type Wanted = Opened | ChosenWanted | { readonly tree: string } | { readonly listed: string };

export type ChosenWanted = Opened & {
	readonly choice: Choice;
	/** Absent = over nothing. */
	readonly over?: string;
};

export interface FileProgress {
	/** Of content: what files hold. */
	readonly bytes: number;
	readonly totalBytes: number;
}

export interface FileContext {
	readonly signal: AbortSignal;
	/** Called often; whoever sends it on limits the rate. */
	readonly onProgress?: (progress: FileProgress) => void;
	/** Of the archive that is read, where it is encrypted. */
	readonly fileKeys?: FileKeys;
	/** For the archive that is written, where it is to be encrypted. */
	readonly seals?: Seals;
}

export interface FileResults {
	pack: PackedTree;
	unpack: UnpackedTree;
	compare: TreeComparison;
	compose: ComposedTree;
	diff: TreeDifferences;
	copy: CopiedTree;
	index: PackedTree;
	/** Raw paths of what changed. */
	recheck: readonly string[];
	measure: MeasuredTree;
	"find-databases": FoundDatabases;
	verify: VerifiedContent;
	sample: SampledContent;
}

export type ResultOf<Job extends FileJob> = FileResults[Job["kind"]];

/** What a manifest says of the content. */
export type PackedTree = Pick<
	Manifest,
	"entries" | "contentBytes" | "fidelity" | "losses" | "outcome" | "warnings"
> & { readonly artefacts: readonly Artefact[]; readonly recipients?: readonly KeyHolder[] };

export interface UnpackedTree {
	readonly entries: number;
	readonly contentBytes: number;
	/** What could not be made as it was, and why; empty = everything was. */
	readonly losses: readonly string[];
}

export interface TreeComparison {
	/** Entries that are in both and differ in content or metadata. */
	readonly replaces: number;
	/** Entries of what is wanted that the present tree lacks. */
	readonly adds: number;
	/** Entries of the present tree that would go. */
	readonly removes: number;
	readonly sameEntries: number;
	/** What the files of the wanted tree hold. */
	readonly wantedBytes: number;
	/** Up to 20 names of each. */
	readonly examples: {
		readonly replaces: readonly string[];
		readonly adds: readonly string[];
		readonly removes: readonly string[];
	};
}

export interface ComposedTree {
	readonly entries: number;
	/** Of the last file that came out of the archive, where it has no holes. */
	readonly sha256?: string;
	/** Stored bytes of the archive's content that were read. */
	readonly storedBytes: number;
	/** What could not be made as it was, and why; empty = everything was. */
	readonly losses: readonly string[];
}

export interface CopiedTree {
	readonly entries: number;
	readonly contentBytes: number;
	/** Of these bytes, those that share their blocks with the original. */
	readonly sharedBytes: number;
	/** What was left out, as no loss. */
	readonly sockets: number;
	/** What could not be made as it was, or changed while it was read; empty = nothing. */
	readonly losses: readonly string[];
	readonly warnings: readonly string[];
}

export interface TreeDifferences {
	/** `added` = only after, `removed` = only before, `metadata` = owner, mode or time alone. */
	readonly counts: Readonly<Record<"added" | "removed" | "changed" | "metadata" | "same", number>>;
	/** The page that was asked for; names as a person is shown them. */
	readonly differences: readonly {
		readonly path: string;
		readonly kind: "added" | "removed" | "changed" | "metadata";
		readonly type: string;
	}[];
}

export interface MeasuredTree {
	readonly entries: number;
	readonly contentBytes: number;
	/** Free on the tree's file system for this process. */
	readonly freeBytes: number;
}

export interface SampledContent {
	readonly entries: number;
	/** Stored bytes that were read. */
	readonly bytes: number;
	/** Frames of content that were read, of how many. */
	readonly frames: number;
	readonly ofFrames: number;
}

export interface FoundDatabases {
	/** Up to 20; where this process sees all others, only those that one of them holds open. */
	readonly databases: readonly FoundDatabase[];
}

export interface FoundDatabase {
	readonly path: string;
	readonly kind: "SQLite" | "Postgres" | "InfluxDB";
	/** The process that has it open. */
	readonly holder?: string;
}

export interface VerifiedContent {
	readonly entries: number;
	readonly contentBytes: number;
	/** Stored bytes that were read. */
	readonly bytes: number;
}
