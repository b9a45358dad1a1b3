import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
	Description,
	HostName,
	Inventory,
	instantOf,
	newId,
	openCommand,
	type Report,
	readPublicKey,
	SiteName,
	Sync,
	topicsOf,
} from "@davit/protocol";
import { openSession } from "@davit/protocol/mqtt";
import Database from "better-sqlite3";
import { pino } from "pino";
import { z } from "zod";

// A process of many agents that do nothing but what a real one does before it answers: check the command and commit it to a
// database on disk (synchronous=FULL). Forked by the latency benchmark, told by a message what to be.

const Orders = z.object({
	site: SiteName,
	url: z.string(),
	coordinatorKey: z.string(),
	/** The one key of all of them. */
	publicKey: z.string(),
	agents: z.array(
		z.object({ host: HostName, username: z.string().optional(), password: z.string().optional() }),
	),
});
type Orders = z.infer<typeof Orders>;

const database = new Database(join(mkdtempSync(join(tmpdir(), "davit-puppets-")), "inbox.sqlite"));
database.pragma("journal_mode = WAL");
database.pragma("synchronous = FULL");
database.exec("CREATE TABLE inbox (id TEXT PRIMARY KEY, payload BLOB)");
const insert = database.prepare("INSERT OR IGNORE INTO inbox VALUES (?, ?)");

process.once("message", (message) => {
	openAll(Orders.parse(message)).catch((error: unknown) => {
		process.stderr.write(`${String(error)}\n`);
		process.exit(1);
	});
});
process.once("disconnect", () => process.exit(0));

async function openAll(orders: Orders): Promise<void> {
	// Two dozen at a time, as machines that come up after a power cut.
	for (let begin = 0; begin < orders.agents.length; begin += 24) {
		await Promise.all(orders.agents.slice(begin, begin + 24).map((agent) => openPuppet(orders, agent)));
	}
	process.send?.({ ready: true });
}

async function openPuppet(
	{ site, url, coordinatorKey, publicKey: ownKey }: Orders,
	{ host, username, password }: Orders["agents"][number],
): Promise<void> {
	const topics = topicsOf(site);
	const publicKey = readPublicKey(coordinatorKey);
	const at = () => instantOf(Date.now());
	const presence = (state: string) =>
		JSON.stringify({ version: 1, state, session: host, at: at(), epoch: 1 });
	const will = { topic: topics.presence(host), payload: presence("offline") };
	const log = pino({ level: "silent" });
	const session = await openSession(
		{ url, username, password, clientId: `davit-${host}`, will, log },
		AbortSignal.timeout(120_000),
	);
	const say = (report: Partial<Report>) =>
		session.publish(
			topics.report(host),
			JSON.stringify({ version: 1, host, agentEpoch: 1, at: at(), ...report }),
		);
	const welcomed = Promise.withResolvers<void>();
	session.subscribe(topics.command(host), async ({ payload }) => {
		const command = openCommand(payload, { publicKey, site, host });
		// The answer to the sync, which is the last word of a birth: the coordinator has digested all of it.
		if (command.kind === "welcome") welcomed.resolve();
		if (command.kind !== "run") return;
		insert.run(command.id, payload);
		const of = { command: command.id, run: command.run };
		await say({ ...of, sequence: 1, state: "accepted" });
		await say({
			...of,
			sequence: 2,
			state: "failed",
			failure: { code: "cancelled", message: "a puppet", hint: "", retryable: false },
		});
	});
	session.onBirth(async () => {
		const retain = { retain: true };
		await session.publish(topics.presence(host), presence("online"), retain);
		await session.publish(topics.description(host), JSON.stringify(describe(site, host, ownKey)), retain);
		await session.publish(topics.inventory(host), JSON.stringify(inventoryOf(host)), retain);
		await session.publish(topics.sync(host), JSON.stringify(syncOf(host)));
	});
	await welcomed.promise;
}

function describe(site: SiteName, host: HostName, publicKey: string): Description {
	return Description.parse({
		...{
			version: 1,
			site,
			host,
			davit: "0.1.0",
			node: process.version,
			platform: "puppet",
			publicKey,
		},
		...{ operations: ["volume.backup@1"], capabilities: [], archivesPath: "/", archivesFreeBytes: 1e9 },
		at: instantOf(Date.now()),
	});
}

function inventoryOf(host: HostName): Inventory {
	const resources = [{ id: "volume:photos", anonymous: false, consistency: "paused", users: [] }];
	return Inventory.parse({
		version: 1,
		host,
		resources,
		containers: [],
		truncated: false,
		at: instantOf(Date.now()),
	});
}

function syncOf(host: HostName): Sync {
	return Sync.parse({
		...{ version: 1, host, session: host, journal: newId(), agentEpoch: 1, coordinatorEpoch: 0, open: [] },
		at: instantOf(Date.now()),
	});
}
