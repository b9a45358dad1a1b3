import type { CommandId, VolumeName } from "@davit/protocol";
import { type Attachment, attachTo } from "./attach-to.ts";
import { commandLabel } from "./command-label.ts";
import { type Exec, type ExecState, type ExecWish, execIn, lookAtExec } from "./exec-in.ts";
import { followEvents, type MountSpan, wasToldToEnd, whoMounted } from "./follow-events.ts";
import { type Images, openImages } from "./open-images.ts";
import { type Networks, openNetworks } from "./open-networks.ts";
import { openTransfer, type Transfer } from "./open-transfer.ts";
import {
	ContainerReply,
	ContainersReply,
	type EngineContainer,
	type EngineContainerDetails,
	type EngineEvent,
	type EngineMount,
	type EngineVolume,
	InfoReply,
	type RestartPolicy,
	VersionReply,
	VolumeReply,
	VolumesReply,
} from "./replies.ts";
import {
	type Ask,
	type AskVersioned,
	askEngine,
	askStream,
	ignoreBody,
	type Reply,
	readReply,
} from "./request.ts";

/** A Docker engine on this host. Every method throws OperationError docker-unreachable or docker-refused. */
export interface Engine extends Transfer, Images, Networks {
	readonly version: string;
	readonly apiVersion: string;
	/** The name the engine gives its host. */
	readonly name: string;
	/** Where it keeps volumes, as it sees its own host. */
	readonly dataRoot: string;
	/** False where it runs in a machine of its own (Docker Desktop), whose paths are not this host's. */
	readonly sharesPaths: boolean;
	readonly socketPath: string;
	volume(name: string, signal: AbortSignal): Promise<EngineVolume | undefined>;
	/** Those with a name that Davit can say. */
	volumes(signal: AbortSignal): Promise<readonly EngineVolume[]>;
	createVolume(wish: VolumeWish, signal: AbortSignal): Promise<EngineVolume>;
	removeVolume(name: VolumeName, signal: AbortSignal): Promise<void>;
	/** All of them, whatever their state. */
	containers(signal: AbortSignal): Promise<readonly EngineContainer[]>;
	container(id: string, signal: AbortSignal): Promise<EngineContainerDetails | undefined>;
	/** Ends it as its image wishes, by force after `graceSeconds`; nothing happens where it is stopped. */
	stop(id: string, graceSeconds: number, signal: AbortSignal): Promise<void>;
	start(id: string, signal: AbortSignal): Promise<void>;
	/** Standard input, output and error of a container, to be opened before it is started. */
	attach(id: string, signal: AbortSignal): Promise<Attachment>;
	pause(id: string, signal: AbortSignal): Promise<void>;
	unpause(id: string, signal: AbortSignal): Promise<void>;
	setRestartPolicy(id: string, policy: RestartPolicy, signal: AbortSignal): Promise<void>;
	/** Events of containers and volumes, until the signal or the engine ends them. */
	events(signal: AbortSignal): Promise<AsyncIterable<EngineEvent>>;
	/** Whether it was told to end a container in that span of its own clock, so that a stop may still be under way. */
	wasToldToEnd(
		wish: { readonly id: string; readonly sinceMs: number; readonly untilMs: number },
		signal: AbortSignal,
	): Promise<boolean>;
	/** Starts a program in a running container; see `execIn`. */
	exec(wish: ExecWish, signal: AbortSignal): Promise<Exec>;
	lookAtExec(id: string, signal: AbortSignal): Promise<ExecState>;
	/** Ids of containers that began to mount a volume for writing in that span; some may be gone. */
	whoMounted(span: MountSpan, signal: AbortSignal): Promise<readonly string[]>;
}

export interface VolumeWish {
	readonly name: VolumeName;
	readonly labels: Readonly<Record<string, string>>;
	readonly command: CommandId;
}

export type {
	EngineContainer,
	EngineContainerDetails,
	EngineEvent,
	EngineMount,
	EngineVolume,
	RestartPolicy,
};

/** No newer API is spoken, whatever the engine offers. */
const newestApi = "1.45";

/**
 * Asks the engine at a socket who it is.
 * @throws OperationError docker-unreachable with the command that would help
 */
export async function connectEngine(socketPath: string, signal: AbortSignal): Promise<Engine> {
	const purpose = "reach the Docker engine";
	const hello = await askEngine({ method: "GET", path: "/version", purpose }, { socketPath, signal });
	const version = await readReply(hello, VersionReply, purpose);
	const api = agreeOnApi(version.ApiVersion, version.MinAPIVersion);
	const ask: AskVersioned = (wish, during, answers = []) =>
		askEngine({ ...wish, path: `/v${api}${wish.path}` }, { socketPath, signal: during, answers });
	const reply = await ask({ method: "GET", path: "/info", purpose }, signal);
	const { Name: name, DockerRootDir: dataRoot, OperatingSystem } = await readReply(reply, InfoReply, purpose);
	return {
		...{ version: version.Version, apiVersion: api, name, dataRoot, socketPath },
		sharesPaths: OperatingSystem !== "Docker Desktop",
		...openVolumes(ask),
		...openContainers(ask),
		...openTransfer(ask),
		...openImages(ask),
		...openNetworks(ask),
		exec: (wish, during) =>
			execIn(wish, {
				...{ ask, signal: during },
				stream: (start) =>
					askStream({ ...start, path: `/v${api}${start.path}` }, { socketPath, signal: during }),
			}),
		lookAtExec: (id, during) => lookAtExec(ask, id, during),
		attach: (id, during) =>
			attachTo(id, (wish) =>
				askStream({ ...wish, path: `/v${api}${wish.path}` }, { socketPath, signal: during }),
			),
		events: (during) => followEvents(ask, during),
		wasToldToEnd: (wish, during) => wasToldToEnd(ask, wish, during),
		whoMounted: (span, during) => whoMounted(ask, span, during),
	};
}

/** The engine's own version, at most `newestApi`, at least what it still speaks. */
export function agreeOnApi(offered: string, oldest = "1.24"): string {
	const wanted = compareVersions(offered, newestApi) > 0 ? newestApi : offered;
	return compareVersions(wanted, oldest) < 0 ? oldest : wanted;
}

function compareVersions(left: string, right: string): number {
	return left.localeCompare(right, "en", { numeric: true });
}

function openVolumes(ask: AskVersioned) {
	return {
		volume: async (name: string, signal: AbortSignal) => {
			const purpose = `look at volume ${name}`;
			const path = `/volumes/${encodeURIComponent(name)}`;
			const reply = await ask({ method: "GET", path, purpose }, signal, [404]);
			return readUnlessMissing(reply, () => readReply(reply, VolumeReply, purpose));
		},
		volumes: async (signal: AbortSignal) => {
			const purpose = "list the volumes";
			const reply = await ask({ method: "GET", path: "/volumes", purpose }, signal);
			return (await readReply(reply, VolumesReply, purpose)).Volumes;
		},
		createVolume: async ({ name, labels, command }: VolumeWish, signal: AbortSignal) => {
			const purpose = `create volume ${name}`;
			const body = { Name: name, Driver: "local", Labels: { ...labels, [commandLabel]: command } };
			const reply = await ask({ method: "POST", path: "/volumes/create", body, purpose }, signal);
			return readReply(reply, VolumeReply, purpose);
		},
		removeVolume: async (name: VolumeName, signal: AbortSignal) => {
			const purpose = `remove volume ${name}`;
			ignoreBody(await ask({ method: "DELETE", path: `/volumes/${name}`, purpose }, signal, [404]));
		},
	};
}

function openContainers(ask: AskVersioned) {
	const act = async (id: string, verb: Verb, { signal, ...more }: Acting): Promise<void> => {
		const path = `/containers/${id}/${verb}`;
		ignoreBody(
			await ask({ method: "POST", path, purpose: `${verb} container ${id.slice(0, 12)}`, ...more }, signal),
		);
	};
	return {
		containers: async (signal: AbortSignal) => {
			const purpose = "list the containers";
			const reply = await ask(
				{ method: "GET", path: "/containers/json", query: { all: "1" }, purpose },
				signal,
			);
			return readReply(reply, ContainersReply, purpose);
		},
		container: async (id: string, signal: AbortSignal) => {
			const purpose = `look at container ${id.slice(0, 12)}`;
			const path = `/containers/${encodeURIComponent(id)}/json`;
			const reply = await ask({ method: "GET", path, purpose }, signal, [404]);
			return readUnlessMissing(reply, () => readReply(reply, ContainerReply, purpose));
		},
		stop: (id: string, graceSeconds: number, signal: AbortSignal) =>
			act(id, "stop", {
				signal,
				query: { t: String(graceSeconds) },
				patienceMs: (graceSeconds + 60) * 1000,
			}),
		start: (id: string, signal: AbortSignal) => act(id, "start", { signal }),
		pause: (id: string, signal: AbortSignal) => act(id, "pause", { signal }),
		unpause: (id: string, signal: AbortSignal) => act(id, "unpause", { signal }),
		setRestartPolicy: (id: string, policy: RestartPolicy, signal: AbortSignal) =>
			act(id, "update", { signal, body: { RestartPolicy: policy } }),
	};
}

type Verb = "stop" | "start" | "pause" | "unpause" | "update";
type Acting = { readonly signal: AbortSignal } & Pick<Ask, "query" | "body" | "patienceMs">;

async function readUnlessMissing<Wanted>(
	reply: Reply,
	read: () => Promise<Wanted>,
): Promise<Wanted | undefined> {
	if (reply.status !== 404) return read();
	ignoreBody(reply);
	return undefined;
}
