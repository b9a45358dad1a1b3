import {
	Description,
	HostName,
	Inventory,
	instantOf,
	newId,
	PrincipalName,
	ResourceId,
	ResourceState,
	ResourceStatus,
	Run,
	RunId,
	SiteName,
	topicsOf,
} from "@davit/protocol";
import { openSession, type Session } from "@davit/protocol/mqtt";
import { pino } from "pino";

/** Says what a coordinator and one agent would say, word for word when told to. */
export interface Puppets extends AsyncDisposable {
	readonly session: Session;
	readonly topics: ReturnType<typeof topicsOf>;
	/** Requests that Home Assistant published. */
	readonly requests: { readonly payload: string; readonly retain: boolean }[];
	setVolumes(names: readonly string[]): Promise<void>;
	setCoordinator(state: "online" | "offline"): Promise<void>;
	setHost(state: "online" | "offline"): Promise<void>;
	setState(volume: string, takenAt: string | undefined, changes?: Partial<ResourceState>): Promise<void>;
	/** Of a volume by its name, or of another resource by its id. */
	setStatus(of: string, backup: ResourceStatus["backup"], changes?: Partial<ResourceStatus>): Promise<void>;
	endRun(run: string, changes: object): Promise<void>;
}

export const site = SiteName.parse("lab");
export const nas = HostName.parse("nas");
export const volume = (name: string) => ResourceId.parse(name.includes(":") ? name : `volume:${name}`);

export async function openPuppets(url: string, signal: AbortSignal): Promise<Puppets> {
	const topics = topicsOf(site);
	const session = await openSession({ url, clientId: "puppets", log: pino({ level: "silent" }) }, signal);
	const at = () => instantOf(Date.now());
	const say = (topic: string, message: object) =>
		session.publish(topic, JSON.stringify(message), { retain: true });
	const presence = (state: string) => ({ version: 1, state, session: "puppet", at: at(), epoch: 1 });
	const requests: { payload: string; retain: boolean }[] = [];
	session.subscribe(topics.request(PrincipalName.parse("home-assistant")), ({ payload, retain }) => {
		requests.push({ payload: new TextDecoder().decode(payload), retain });
	});
	await new Promise<void>((resolve) => session.onBirth(resolve));
	return {
		session,
		topics,
		requests,
		setVolumes: async (names) => {
			await say(topics.description(nas), describe(at()));
			await say(
				topics.inventory(nas),
				Inventory.parse({
					version: 1,
					host: nas,
					resources: names.map((name) => ({
						id: volume(name),
						anonymous: false,
						consistency: "paused",
						users: [],
					})),
					containers: [],
					truncated: false,
					at: at(),
				}),
			);
		},
		setCoordinator: (state) => say(topics.coordinatorPresence(), presence(state)),
		setHost: (state) => say(topics.presence(nas), presence(state)),
		setState: (name, takenAt, changes = {}) =>
			say(
				topics.resourceState(nas, volume(name)),
				ResourceState.parse({ ...stateOf(name, takenAt), ...changes }),
			),
		setStatus: (name, backup, changes = {}) =>
			say(
				topics.resourceStatus(nas, volume(name)),
				ResourceStatus.parse({
					...{
						version: 1,
						host: nas,
						resource: volume(name),
						backup,
						run: null,
						reason: null,
						progress: null,
					},
					...{ overdue: false, nextDueAt: null, at: at() },
					...changes,
				}),
			),
		endRun: (run, changes) => say(topics.run(RunId.parse(run)), runOf(run, at(), changes)),
		[Symbol.asyncDispose]: () => session.close(),
	};
}

function describe(at: string): Description {
	return Description.parse({
		...{
			version: 1,
			site,
			host: nas,
			davit: "0.1.0",
			node: "24.21.0",
			platform: "linux x64",
			publicKey: "MCow",
		},
		...{ operations: [], capabilities: [], archivesPath: "/archives", archivesFreeBytes: 1e9, at },
	});
}

function stateOf(name: string, takenAt: string | undefined): ResourceState {
	const lastGoodBackup =
		takenAt === undefined
			? null
			: {
					...{ id: "0123456789", takenAt, bytes: 812_000_000, contentBytes: 2_000_000_000, entries: 12 },
					...{ proof: ["taken", "verified"], consistency: "paused", outcome: "succeeded", damaged: false },
					...{ fidelity: "full", manifestSha256: "a".repeat(64), durationMs: 4400 },
				};
	return ResourceState.parse({
		...{
			version: 1,
			host: nas,
			resource: volume(name),
			lastGoodBackup,
			archives: lastGoodBackup === null ? 0 : 1,
		},
		...{ activity: null, undo: null, at: instantOf(Date.now()) },
	});
}

function runOf(run: string, at: string, changes: object): Run {
	return Run.parse({
		...{
			version: 1,
			run,
			request: newId(),
			host: nas,
			resource: volume("photos"),
			operation: "volume.backup",
		},
		...{ state: "failed", askedBy: "home-assistant", askedAt: at, startedAt: at, endedAt: at },
		...changes,
	});
}
