import type { KeyObject } from "node:crypto";
import { type Logger, OperationError, readPublicKey } from "@davit/protocol";
import { type Archives, openArchives } from "./archives/archives.ts";
import type { AgentConfig } from "./config.ts";
import { type Keyring, openKeyring } from "./encryption/keyring.ts";
import { ownKey } from "./join/own-key.ts";
import { Journal, journalFile } from "./journal/journal.ts";
import { undoPointsOf } from "./journal/kept-undos.ts";
import type { UndoPoints } from "./undo-points.ts";

export interface AgentOptions {
	readonly log: Logger;
	/** Milliseconds since 1970; tests own it. */
	readonly now?: () => number;
	/** See `JournalOptions.onWrite`. */
	readonly onJournalWrite?: (point: string) => void;
	/** Ends the opening, not the open agent. */
	readonly signal?: AbortSignal;
}

/** What an agent stands on. */
export interface Ground {
	readonly config: AgentConfig;
	readonly coordinatorKey: KeyObject;
	readonly log: Logger;
	readonly now: () => number;
	readonly journal: Journal;
	readonly archives: Archives;
	readonly keyring: Keyring;
	readonly undoPoints: UndoPoints;
}

/** @throws OperationError of the journal, the key and the archives' folder */
export async function openGround(config: AgentConfig, options: AgentOptions): Promise<Ground> {
	const { log, now = Date.now } = options;
	const coordinatorKey = readCoordinatorKey(config);
	const journal = Journal.open({
		file: journalFile(config.home),
		now,
		reserveBytes: config.journalReserveBytes,
		onWrite: options.onJournalWrite,
	});
	try {
		const key = await ownKey(config.home);
		const keyring = openKeyring(config.home);
		const archives = await openArchives({ path: config.archivesPath, ...key, keyring, log, now });
		const undoPoints = undoPointsOf(journal, { now, servedMs: archives.records.servedMs });
		return { config, coordinatorKey, log, now, journal, archives, keyring, undoPoints };
	} catch (error) {
		journal[Symbol.dispose]();
		throw error;
	}
}

function readCoordinatorKey({ coordinatorKey }: AgentConfig): KeyObject {
	try {
		return readPublicKey(coordinatorKey);
	} catch (error) {
		throw new OperationError(
			"configuration-invalid",
			"key coordinatorKey is no Ed25519 key in SPKI and base64",
			{
				cause: error,
				hint: "join this host again with davit host join",
			},
		);
	}
}
