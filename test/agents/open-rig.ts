import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { openArchives } from "@davit/agents/archives/archives.ts";
import { AgentConfig } from "@davit/agents/config.ts";
import { connectEngine, type Engine } from "@davit/agents/docker/engine.ts";
import type { OperationContext } from "@davit/agents/operation.ts";
import type { KeptUndo, UndoPoints } from "@davit/agents/undo-points.ts";
import { type Logger, newId, type Progress, RunId } from "@davit/protocol";

/** What an agent hands its operations, without the agent: real archives on the disk, a real engine where there is one. */
export interface Rig {
	readonly engine: Engine | undefined;
	readonly config: AgentConfig;
	/** The agent's own, with which its archives are signed. */
	readonly privateKey: KeyObject;
	readonly undoPoints: UndoPoints;
	readonly progress: readonly Progress[];
	/** A command of its own each time; `more` replaces what the test is about. */
	context(more?: Partial<OperationContext>): OperationContext;
}

const silent = () => undefined;
const log: Logger = { debug: silent, info: silent, warn: silent, error: silent };

export async function openRig(
	{ folder, socketPath, folders = [], compose }: RigWish,
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
			...more,
		}),
	};
}

export interface RigWish {
	/** For the home of the agent; must exist. */
	readonly folder: string;
	readonly socketPath?: string;
	readonly folders?: readonly string[];
	/** Docker Compose's program. */
	readonly compose?: string;
}

function rememberUndoPoints(): UndoPoints {
	const points = new Map<string, KeptUndo>();
	return {
		keep: (point) => void points.set(point.command, point),
		of: (resource) =>
			[...points.values()]
				.filter((point) => point.resource === resource)
				.toSorted((left, right) => (left.command < right.command ? 1 : -1))[0],
		expired: (nowMs) => [...points.values()].filter(({ until }) => Date.parse(until) <= nowMs),
		drop: (command) => void points.delete(command),
	};
}
