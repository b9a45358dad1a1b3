import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CommandError } from "@davit/cli/command-error.ts";
import type { DocumentOf, Schema } from "@davit/cli/door/answers.ts";
import { type Call, callFor, callRaw } from "@davit/cli/door/call.ts";
import {
	isEnded,
	type Request,
	type RequestId,
	type Run,
	type RunId,
	type RunPart,
	VolumeName,
} from "@davit/protocol";
import { z } from "zod";
import type { Laboratory } from "../lab/laboratory.ts";
import { pollUntil } from "../lab/process/poll.ts";
import type { Doom } from "./doom.ts";
import { type Admission, type AgentPlace, coordinatorSettings, writeAgent } from "./open-scene.ts";
import { type Mortal, type MortalWish, startMortal } from "./start-mortal.ts";

/** A coordinator that may die, spoken to as the command speaks to it: over the operator's socket. */
export interface Office extends AsyncDisposable {
	/** The one that lives, or died last. */
	readonly coordinator: Mortal;
	start(doom?: Doom): Promise<Mortal>;
	writeAgent(name: string): Promise<AgentPlace>;
	/** Asks for a backup of its volume under this id. Undefined where it died before it answered. */
	press(id: RequestId, place: AgentPlace): Promise<RunId | undefined>;
	/** Asks for a backup of everything on the host. */
	pressAll(id: RequestId, place: AgentPlace): Promise<RunId | undefined>;
	/** Undefined where it died before the run ended. */
	ended(run: RunId): Promise<Run | undefined>;
	/** What became of the parts of a run; undefined where nobody is there to tell. */
	parts(run: RunId): Promise<readonly RunPart[] | undefined>;
	runs(host: string): Promise<readonly Run[]>;
	/** It sees the host and its volume, or all that are named. */
	sees(place: AgentPlace, volumes?: readonly string[]): Promise<void>;
}

const Admitted = z.object({ coordinatorKey: z.string() });

export function volumeOf({ host }: AgentPlace): VolumeName {
	return VolumeName.parse(`${host}-volume`);
}

export async function openOffice(lab: Laboratory, signal: AbortSignal): Promise<Office> {
	const settings = coordinatorSettings(lab);
	const { home } = settings;
	await mkdir(home, { recursive: true });
	const configFile = join(home, "coordinator.json");
	await writeFile(configFile, JSON.stringify(settings));
	const wish: MortalWish = { program: "coordinator", configFile, logPath: join(home, "coordinator.log") };
	let coordinator = await startMortal(wish);
	const caller = { home, signal };
	/** Undefined where nobody is there any more to answer; a refusal is thrown. */
	const unlessDead = async <Answer>(asked: Promise<Answer>): Promise<Answer | undefined> => {
		try {
			return await asked;
		} catch (error) {
			const isGone = error instanceof CommandError && error.code === "coordinator-unreachable";
			if (!isGone) throw error;
			await coordinator.death;
			return undefined;
		}
	};
	const look = <Name extends Schema>(schema: Name, path: string): Promise<DocumentOf<Name> | undefined> =>
		unlessDead(callFor(schema, { method: "GET", path }, caller));
	const post = (path: string, body: unknown): Call => ({ method: "POST", path, body });
	const ask = async (request: Request) =>
		(await unlessDead(callFor("davit/started/1", post("/requests", request), caller)))?.run;
	const waiting = { timeoutMs: 60_000, intervalMs: 25, signal, explain: () => coordinator.lastWords() };
	return {
		get coordinator() {
			return coordinator;
		},
		async start(doom = "never") {
			if (!coordinator.isDead()) throw new Error("two coordinators");
			coordinator = await startMortal(wish, doom);
			return coordinator;
		},
		writeAgent: (name) => {
			const admit = async (wanted: Admission) =>
				Admitted.parse(await callRaw(post("/hosts", wanted), caller));
			return writeAgent({ lab, admit, name });
		},
		press: (id, place) => {
			const params = { volume: volumeOf(place) };
			return ask({ version: 1, id, host: place.host, operation: "volume.backup", params });
		},
		pressAll: (id, { host }) => ask({ version: 1, id, host, operation: "host.backup", params: { host } }),
		ended: (run) =>
			pollUntil(
				async () => {
					const found = await look("davit/run/1", `/runs/${run}`);
					if (found === undefined) return { run: undefined };
					return isEnded(found.run.state) && { run: found.run };
				},
				{ ...waiting, what: `the end of run ${run}` },
			).then(({ run: last }) => last),
		parts: async (run) => (await look("davit/run/1", `/runs/${run}`))?.parts,
		runs: async (host) => (await look("davit/runs/1", `/runs?host=${host}`))?.items ?? [],
		sees: ({ host }, volumes = [`${host}-volume`]) =>
			pollUntil(
				async () => {
					const rows = (await look("davit/resources/1", `/resources?host=${host}`))?.items;
					const hosts = (await look("davit/hosts/1", "/hosts"))?.items;
					if (rows === undefined || hosts === undefined) return true;
					const isThere = hosts.some((row) => row.host === host && row.online);
					const seen = new Set<string>(rows.map(({ resource }) => resource));
					return isThere && volumes.every((name) => seen.has(`volume:${name}`));
				},
				{ ...waiting, what: `${host} to be seen` },
			).then(() => undefined),
		[Symbol.asyncDispose]: () => coordinator.stop(),
	};
}
