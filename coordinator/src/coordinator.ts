import { randomBytes, randomInt } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type Logger, PrincipalName, type StatusDocument } from "@davit/protocol";
import type { CoordinatorConfig } from "./config.ts";
import { CoordinatorCore } from "./core/core.ts";
import { admitHost, type BrokerDoor, invitationsOf } from "./desk/access.ts";
import { openDesk } from "./desk/open-desk.ts";
import type { Desk } from "./desk.ts";
import { type OnWrite, openHistory } from "./history/history.ts";
import { openServer, type Server } from "./http/server.ts";
import { type JoinDoor, openJoinDoor } from "./join/open-door.ts";
import { openSecret, openSigningKey } from "./keys.ts";
import { openBroker, ownAddress } from "./open-broker.ts";
import { openRecovery } from "./recovery/open-recovery.ts";
import { type KitMemory, openKitMemory } from "./recovery/remember-kits.ts";
import { readSteadyClock } from "./schedules/read-steady-clock.ts";
import { Ticker } from "./ticker.ts";
import { Wire } from "./wire.ts";

export interface CoordinatorOptions {
	readonly log: Logger;
	/** Milliseconds since 1970. */
	readonly now?: () => number;
	readonly onHistoryWrite?: OnWrite;
}

export interface Coordinator extends AsyncDisposable {
	readonly desk: Desk;
	/** The page's address; ends with a slash. */
	readonly pageUrl: string;
	readonly socketPath: string;
	/** How other programs reach the broker. */
	readonly brokerUrl: string;
	/** A link that lets one browser in, once, within 10 minutes. */
	makePageLink(): string;
	/** Which broker and which MQTT serve. */
	describeBroker(): StatusDocument["broker"];
	/** Why Home Assistant would not be served as it wants; undefined where it would. */
	brokerWarning(): string | undefined;
}

const operator = PrincipalName.parse("operator");

/**
 * Opens the history, the broker where it is the embedded one, the session, the page and the operator's socket.
 * @throws OperationError configuration-invalid | database-… | port-taken | broker-refused
 */
export async function openCoordinator(
	config: CoordinatorConfig,
	options: CoordinatorOptions,
): Promise<Coordinator> {
	const { log } = options;
	await using opened = new AsyncDisposableStack();
	const folder = join(config.home, "coordinator");
	mkdirSync(folder, { recursive: true, mode: 0o700 });
	const kits = openKitMemory(folder);
	const { core, wire } = await openCore(config, { ...options, folder, opened, kits });
	const broker = await openBroker(config, { history: core.parts.history, log });
	if (broker.embedded !== undefined) opened.use(broker.embedded);
	const describeBroker = () => wire.describe(broker.name);
	const joinDoor = openJoining(config, { core, folder, door: broker.door });
	if (joinDoor !== undefined) opened.use(joinDoor);
	const recovery = openRecovery(core.parts, kits);
	const desk = openDesk(core, { broker: broker.door, describeBroker, joinDoor, recovery });
	opened.defer(() => wire.close(core));
	await wire.open({ ...broker.session, will: core.presence("offline") }, core, config.site);
	const ticker = new Ticker(core, wire, log);
	opened.defer(() => ticker.stop());
	ticker.start();
	const socketPath = config.socketPath ?? join(config.home, "run", "davit.sock");
	const server: Server = opened.use(
		await openServer({
			...{ desk, socketPath, log, now: core.parts.now, http: config.http },
			isHistoryWritable: () => ticker.isHistoryWritable,
			sessionKey: await openSecret(join(folder, "page.key")),
		}),
	);
	const stack = opened.move();
	return {
		...{ desk, describeBroker, socketPath, pageUrl: server.url, brokerUrl: broker.door.url },
		makePageLink: () => server.makePageLink(),
		brokerWarning: () => wire.warning(),
		[Symbol.asyncDispose]: () => stack.disposeAsync(),
	};
}

async function openCore(
	config: CoordinatorConfig,
	options: CoordinatorOptions & { folder: string; opened: AsyncDisposableStack; kits: KitMemory },
): Promise<{ core: CoordinatorCore; wire: Wire }> {
	const { log, now = Date.now, folder, opened, kits, onHistoryWrite } = options;
	const key = await openSigningKey(join(folder, "signing.pem"));
	const history = openHistory({ file: join(folder, "history.sqlite"), now, onWrite: onHistoryWrite });
	opened.use(history);
	const wire = new Wire(log);
	const core = new CoordinatorCore({
		...{ site: config.site, history, key, now, steady: readSteadyClock(), log, limits: config },
		session: randomBytes(9).toString("base64url"),
		random: () => randomInt(2 ** 40) / 2 ** 40,
		send: (outgoing) => wire.send(outgoing),
		// Older keys open older archives; new ones are for the newest alone.
		recoveryRecipients: () => kits.kits.slice(0, 1).map(({ recipient }) => recipient),
	});
	core.load();
	return { core, wire };
}

function openJoining(
	config: CoordinatorConfig,
	{ core, folder, door }: { core: CoordinatorCore; folder: string; door: BrokerDoor },
): JoinDoor | undefined {
	if (config.join === undefined) return undefined;
	const { now, log } = core.parts;
	// A host elsewhere is never given the coordinator's own account.
	const { own: _own, ...remote } = door;
	return openJoinDoor({
		...{ ...config.join, folder, now, log },
		reachableAt: config.reachableAt ?? ownAddress(),
		invitations: invitationsOf(core.parts),
		admit: (admission) => admitHost(core.parts, { ...admission, principal: operator }, remote),
	});
}
