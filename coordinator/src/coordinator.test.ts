import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import {
	HostName,
	instantOf,
	type Logger,
	OperationError,
	openCommand,
	Response,
	Run,
	readPublicKey,
	SiteName,
	topicsOf,
} from "@davit/protocol";
import { openSession } from "@davit/protocol/mqtt";
import { parseCoordinatorConfig } from "./config.ts";
import { openCoordinator } from "./coordinator.ts";
import { grafana, homeAssistant, operator } from "./testing/stage.ts";

const folders: string[] = [];
after(() => {
	for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

function configuration(change: object = {}) {
	const home = mkdtempSync(join(tmpdir(), "davit-coordinator-"));
	folders.push(home);
	return parseCoordinatorConfig(
		{ home, broker: { kind: "embedded", port: 0 }, http: { port: 0 }, ...change },
		"test",
	);
}

const quiet = () => undefined;
const log: Logger = { debug: quiet, info: quiet, warn: quiet, error: quiet };
const nas = HostName.parse("nas");
const topics = topicsOf(SiteName.parse("home"));

test("Home Assistant's press goes through the embedded broker to the agent, and the run comes back", async () => {
	await using coordinator = await openCoordinator(configuration(), { log });
	const { signal } = new AbortController();
	const { publicKey } = generateKeyPairSync("ed25519");
	const spki = publicKey.export({ format: "der", type: "spki" }).toString("base64");
	const admitted = await coordinator.desk.admit({ host: nas, publicKey: spki }, operator);
	await using agent = await openSession({ ...admitted.broker, clientId: "davit-nas", log }, signal);
	const commands = await listening(agent, topics.command(nas));
	const said = { version: 1, session: "s1", at: instantOf(Date.now()), epoch: 1 };
	await agent.publish(topics.presence(nas), JSON.stringify({ ...said, state: "online" }), { retain: true });
	const resources = [{ id: grafana, anonymous: false, consistency: "paused", users: [] }];
	const inventory = { version: 1, host: nas, resources, containers: [], truncated: false, at: said.at };
	await agent.publish(topics.inventory(nas), JSON.stringify(inventory), { retain: true });

	const account = await coordinator.desk.account("home-assistant", operator);
	const url = `mqtt://${account.address}:${account.port}`;
	await using home = await openSession({ ...account, url, clientId: "ha", log }, signal);
	const responses = await listening(home, topics.response(homeAssistant));
	const runs = await listening(home, topics.all.runs);
	await until(() => coordinator.desk.resources({}).total === 1);
	const request = { version: 1, host: nas, operation: "volume.backup", params: { volume: "grafana-data" } };
	await home.publish(topics.request(homeAssistant), JSON.stringify(request));

	const response = Response.parse(JSON.parse(await responses.next()));
	assert.equal(response.outcome, "accepted");
	const command = openCommand(Buffer.from(await commands.next()), {
		...{ publicKey: readPublicKey(admitted.coordinatorKey), site: SiteName.parse("home"), host: nas },
	});
	assert.ok(command.kind === "run" && command.run === response.run);
	const report = { version: 1, command: command.id, host: nas, agentEpoch: 1, at: said.at };
	await agent.publish(topics.report(nas), JSON.stringify({ ...report, sequence: 1, state: "accepted" }));
	const states = new Set<string>();
	while (!states.has("accepted")) states.add(Run.parse(JSON.parse(await runs.next())).state);
	assert.equal(coordinator.describeBroker().protocol, "5");
	assert.equal(coordinator.brokerWarning(), undefined);
});

test("its secrets can be read by their owner alone, and are the same after a restart", async () => {
	const config = configuration();
	const keys: string[] = [];
	for (let life = 0; life < 2; life += 1) {
		await using coordinator = await openCoordinator(config, { log });
		const { publicKey } = generateKeyPairSync("ed25519");
		const spki = publicKey.export({ format: "der", type: "spki" }).toString("base64");
		keys.push((await coordinator.desk.admit({ host: nas, publicKey: spki }, operator)).coordinatorKey);
	}
	assert.equal(keys[0], keys[1]);
	const folder = join(config.home, "coordinator");
	for (const file of readdirSync(folder)) assert.equal(statSync(join(folder, file)).mode & 0o077, 0, file);
});

test("a second coordinator on the same home is refused, and the first goes on", async () => {
	const config = configuration();
	await using first = await openCoordinator(config, { log });
	await assert.rejects(
		openCoordinator(config, { log }),
		(error) => error instanceof OperationError && error.code === "database-locked",
	);
	assert.equal(first.desk.status().broker.connected, true);
});

test("a port that is taken is named, and nothing is left open", async () => {
	const taken = createServer().listen(0, "127.0.0.1");
	await once(taken, "listening");
	const address = taken.address();
	assert.ok(typeof address === "object" && address !== null);
	const config = configuration({ http: { port: address.port } });
	const isTaken = (error: unknown) => error instanceof OperationError && error.code === "port-taken";
	await assert.rejects(openCoordinator(config, { log }), isTaken);
	taken.close();
	await once(taken, "close");
	await using coordinator = await openCoordinator(config, { log });
	assert.match(coordinator.pageUrl, new RegExp(`:${address.port}/`));
});

test("a host cannot take the name of one that is connected, or of an account of Davit's own", async () => {
	await using coordinator = await openCoordinator(configuration(), { log });
	const { publicKey } = generateKeyPairSync("ed25519");
	const spki = publicKey.export({ format: "der", type: "spki" }).toString("base64");
	for (const name of ["coordinator", "home-assistant", "integration"]) {
		const admission = { host: HostName.parse(name), publicKey: spki };
		await assert.rejects(coordinator.desk.admit(admission, operator), /account of Davit's own/);
	}
	await assert.rejects(
		coordinator.desk.admit({ host: nas, publicKey: "nonsense" }, operator),
		/public key cannot be read/,
	);
	await assert.rejects(coordinator.desk.admit({ host: nas, publicKey: spki }, homeAssistant), /may not/);
	await assert.rejects(coordinator.desk.account("coordinator", operator), /cannot be called/);
	await assert.rejects(coordinator.desk.invite(nas, operator), /no door for joining/);
});

interface Listening {
	next(): Promise<string>;
}

/** Messages of a filter, in order, once the subscription stands. */
async function listening(
	session: Awaited<ReturnType<typeof openSession>>,
	filter: string,
): Promise<Listening> {
	const came: string[] = [];
	session.subscribe(filter, ({ payload }) => {
		came.push(Buffer.from(payload).toString());
	});
	await new Promise<void>((resolve) => session.onBirth(() => resolve()));
	return {
		async next() {
			await until(() => came.length > 0);
			return came.shift() ?? "";
		},
	};
}

/** Looks every few milliseconds until it is so, for ten seconds. */
async function until(isSo: () => boolean): Promise<void> {
	const deadline = Date.now() + 10_000;
	while (!isSo()) {
		assert.ok(Date.now() < deadline, `not within ten seconds: ${isSo}`);
		await new Promise((resolve) => setTimeout(resolve, 5));
	}
}
