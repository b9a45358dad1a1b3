import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { openArchives } from "@davit/agents/archives/archives.ts";
import { AgentConfig } from "@davit/agents/config.ts";
import { connectEngine, type Engine } from "@davit/agents/docker/engine.ts";
import type { OperationContext } from "@davit/agents/operation.ts";
import type { KeptUndo, UndoPoints } from "@davit/agents/undo-points.ts";
import { instantOf, type Logger, newId, type Progress, RunId } from "@davit/protocol";

/** Undo points in memory, for which time can be served at once. */
interface RigUndoPoints extends UndoPoints {
	serve(ms: number): void;
}

/** What an agent hands its operations, without the agent: real archives on the disk, a real engine where there is one. */
export interface Rig {
	readonly engine: Engine | undefined;
	readonly config: AgentConfig;
	/** The agent's own, with which its archives are signed. */
	readonly privateKey: KeyObject;
	readonly undoPoints: RigUndoPoints;
	readonly progress: readonly Progress[];
	/** A command of its own each time; `more` replaces what the test is about. */
	context(more?: Partial<OperationContext>): OperationContext;
}

const silent = () => undefined;
const log: Logger = { debug: silent, info: silent, warn: silent, error: silent };

export async function openRig(
	{ folder, socketPath, folders = [], compose, settings = {} }: RigWish,
	signal: AbortSignal,
): Promise<Rig> {
	const home = join(folder, "home");
	await mkdir(home, { recursive: true });
	const { privateKey, publicKey } = generateKeyPairSync("ed25519");
	const spki = publicKey.export({ type: "spki", format: "der" }).toString("base64");
	const config = AgentConfig.parse({
		...{ site: "home", host: "nas", home, folders, coordinatorKey: spki },
		...{ dockerSocket: socketPath ?? null, broker: { url: "mqtt://127.0.0.1:1" }, minimumFreeBytes: 0 },
		...(compose === undefined ? {} : { compose }),
		...settings,
	});
	const archives = await openArchives({
		...{ path: config.archivesPath, privateKey, publicKey: spki, log, now: Date.now },
	});
	const engine = socketPath === undefined ? undefined : await connectEngine(socketPath, signal);
	const undoPoints = rememberUndoPoints();
	const progress: Progress[] = [];
	return {
		...{ engine, config, privateKey, undoPoints, progress },
		context: (more) => ({
			...{ site: config.site, host: config.host, command: newId(), run: RunId.parse("raaaaaaaa") },
			...{ config, engine, archives, undoPoints, now: Date.now, log },
			progress: (seen) => void progress.push(seen),
			hold: async () => undefined,
			...more,
		}),
	};
}

export interface RigWish {
	/** For the home of the agent; must exist. */
	readonly folder: string;
	readonly socketPath?: string;
	readonly folders?: readonly string[];
	/** Of the agent's configuration, beside what a rig needs. */
	readonly settings?: Readonly<Record<string, unknown>>;
	/** Docker Compose's program. */
	readonly compose?: string;
}

function rememberUndoPoints(): RigUndoPoints {
	const points = new Map<string, KeptUndo & { overAtMs: number }>();
	let [beganMs, servedMs] = [performance.now(), 0];
	const served = () => performance.now() - beganMs + servedMs;
	const asOfNow = ({ overAtMs, ...point }: KeptUndo & { overAtMs: number }): KeptUndo => ({
		...point,
		isOver: overAtMs <= served(),
	});
	return {
		keep: ({ forMs, ...point }) => {
			const until = instantOf(Date.now() + forMs);
			points.set(point.command, { ...point, until, isOver: false, overAtMs: served() + forMs });
			return until;
		},
		of: (resource) =>
			[...points.values()]
				.map(asOfNow)
				.filter((point) => point.resource === resource)
				.toSorted((left, right) => (left.command < right.command ? 1 : -1))[0],
		expired: () => [...points.values()].map(asOfNow).filter(({ isOver }) => isOver),
		drop: (command) => void points.delete(command),
		serve: (ms) => {
			[beganMs, servedMs] = [performance.now(), served() + ms];
		},
	};
}
