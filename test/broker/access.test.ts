import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { HostName } from "@davit/protocol";
import { openClient, type TestClient, text } from "./client.ts";
import { brokerKinds, type TestBroker } from "./kinds.ts";

// Written out by hand, against protocol/src/topics.ts and docs/design.md, not made from the rules it checks.
const users = ["nas", "pi", "coordinator", "integration", "home-assistant"] as const;
type User = (typeof users)[number];

const base = "davit/v1/home";
const matrix = readMatrix(`
	agents/nas/command                | r  -  rw r  -
	agents/nas/report                 | w  -  r  r  -
	agents/nas/sync                   | w  -  r  r  -
	agents/nas/presence               | rw -  r  r  r
	agents/nas/description            | w  -  r  r  -
	agents/nas/inventory              | w  -  r  r  -
	agents/nas/resources/key/state    | w  -  r  r  r
	agents/nas/resources/key/archives | w  -  r  r  r
	agents/nas/resources/key          | -  -  r  r  -
	agents/nas/other                  | -  -  r  r  -
	coordinator/presence              | r  r  rw r  r
	coordinator/status/nas/key        | -  -  rw r  r
	requests/home-assistant           | -  -  r  -  w
	requests/nas                      | -  -  r  -  -
	responses/home-assistant          | -  -  rw r  r
	responses/nas                     | -  -  rw -  -
	runs/rabcdefgh                    | -  -  rw r  r
	home-assistant/presence           | -  -  r  rw r
	home-assistant/events/nas/key     | -  -  r  rw r
	home-assistant/triggers/nas/key   | -  -  r  rw r
	/homeassistant/status             | -  -  -  r  rw
	/homeassistant/device/n/o/config  | -  -  -  rw rw
	/homeassistant/sensor/x/config    | -  -  -  -  rw
	/davit/v1/cabin/agents/nas/command | -  -  -  -  -
	/davit/v1/cabin/requests/home-assistant | -  -  -  -  -
	/davit/v2/home/agents/nas/command | -  -  -  -  -
	/tasmota/discovery/x              | -  -  -  -  -
`);

const wildcards = [
	...["#", "+/#", "davit/#", "+/+/+/#", `${base}/#`, `${base}/agents/#`, `${base}/agents/+/command`],
	...[`${base}/+/presence`, `${base}/agents/nas/#`, `${base}/requests/+`, `${base}/+/+/+`, "homeassistant/#"],
];

/** Read by everybody and written by the coordinator: what comes before it has come, or never will. */
const everybody = `${base}/coordinator/presence`;

for (const kind of brokerKinds) {
	describe(`access on ${kind.name}`, { skip: kind.unavailable ?? false }, () => {
		for (const protocolVersion of [4, 5] as const) {
			it(`lets each account publish what is its own, and drops the rest (MQTT ${protocolVersion})`, async (t) => {
				await using broker = await kind.open(hosts, t.signal);
				await using crowd = await openCrowd(broker, protocolVersion);
				await subscribeAll(crowd);
				for (const user of users) {
					for (const { topic } of matrix) {
						const answer = await crowd.of(user).publish(topic, `${user} ${topic}`);
						// 3.1.1 has no answer but the acknowledgement.
						const isAcknowledged = protocolVersion === 4 || isAllowed(user, topic, "w");
						assert.equal(answer === undefined, isAcknowledged, `${user} ${topic}: ${answer}`);
					}
					// What was refused must not have cost the connection.
					assert.equal(crowd.of(user).mqtt.connected, true, user);
				}
				await crowd.of("coordinator").publish(everybody, "end");
				assert.deepEqual(await textsSeen(crowd), expectedWrites(users, crowd.present));
			});
		}

		it("publishes a will only where its account may publish", async (t) => {
			await using broker = await kind.open(hosts, t.signal);
			for (const user of users) {
				await using others = await openCrowd(
					broker,
					5,
					users.filter((other) => other !== user),
				);
				await subscribeAll(others);
				for (const { topic } of matrix) {
					const will = { topic, payload: Buffer.from(`${user} ${topic}`), qos: 1, retain: false } as const;
					const client = await openClient(broker, { username: user, protocolVersion: 5, will });
					await client.drop();
				}
				await using itself = await openClient(broker, { username: user, protocolVersion: 5 });
				const sayer = user === "coordinator" ? itself : others.of("coordinator");
				await sayer.publish(everybody, "end");
				assert.deepEqual(await textsSeen(others), expectedWrites([user], others.present), user);
			}
		});

		it("shows each account what it may read, by the topic itself", async (t) => {
			await using broker = await kind.open(hosts, t.signal);
			await using crowd = await openCrowd(broker, 5);
			await subscribeAll(crowd);
			await publishEverything(crowd);
			for (const user of users) {
				const expected = matrix
					.filter(({ topic }) => isAllowed(user, topic, "r") && writerOf(topic) !== undefined)
					.map(({ topic }) => topic);
				assert.deepEqual(await seenBy(crowd.of(user)), expected.sort(), user);
			}
		});

		it("shows nobody more by a wildcard, live or retained", async (t) => {
			await using broker = await kind.open(hosts, t.signal);
			await using crowd = await openCrowd(broker, 5);
			const keep = async (topic: string) =>
				crowd.of(writerOf(topic) ?? "coordinator").publish(topic, "kept", { retain: true });
			for (const { topic } of matrix) await keep(topic);
			for (const user of users) {
				for (const filter of wildcards) await subscribe(crowd.of(user), filter);
				await crowd.of(user).mqtt.subscribeAsync(everybody, { qos: 1 });
			}
			await publishEverything(crowd);
			for (const user of users) {
				const seen = await seenBy(crowd.of(user));
				assert.ok(seen.includes(everybody), user);
				const forbidden = seen.filter((topic) => !isAllowed(user, topic, "r"));
				assert.deepEqual(forbidden, [], user);
			}
			assert.ok((await seenBy(crowd.of("coordinator"))).includes(`${base}/agents/nas/command`));
		});
	});
}

describe("access on aedes alone", () => {
	it("refuses to keep a message that would be replayed to whoever comes later", async (t) => {
		const aedes = brokerKinds[0];
		assert.ok(aedes?.name === "aedes");
		await using broker = await aedes.open(hosts, t.signal);
		await using crowd = await openCrowd(broker, 5);
		const never = [
			["coordinator", `${base}/agents/nas/command`],
			["coordinator", `${base}/responses/home-assistant`],
			["home-assistant", `${base}/requests/home-assistant`],
			["nas", `${base}/agents/nas/report`],
			["nas", `${base}/agents/nas/sync`],
			["integration", `${base}/home-assistant/events/nas/key`],
			["integration", `${base}/home-assistant/triggers/nas/key`],
		] as const;
		for (const [user, topic] of never) {
			assert.notEqual(await crowd.of(user).publish(topic, "x", { retain: true }), undefined, topic);
			assert.equal(await crowd.of(user).publish(topic, "x"), undefined, topic);
		}
		assert.equal(broker.embedded?.retainedMessages, 0);
	});

	it("says at once that a filter is not allowed", async (t) => {
		const aedes = brokerKinds[0];
		assert.ok(aedes?.name === "aedes");
		await using broker = await aedes.open(hosts, t.signal);
		for (const protocolVersion of [4, 5] as const) {
			await using client = await openClient(broker, { username: "nas", protocolVersion });
			for (const filter of [...wildcards, "$SYS/#", "$share/g/#", `${base}/agents/pi/command`]) {
				await assert.rejects(client.mqtt.subscribeAsync(filter, { qos: 1 }), filter);
			}
			await client.mqtt.subscribeAsync(`${base}/agents/nas/command`, { qos: 1 });
		}
	});
});

const hosts = [HostName.parse("nas"), HostName.parse("pi")];

interface Row {
	readonly topic: string;
	readonly rights: Readonly<Record<User, string>>;
}

function readMatrix(table: string): readonly Row[] {
	return table
		.trim()
		.split("\n")
		.map((line) => {
			const [name = "", cells = ""] = line.split("|").map((part) => part.trim());
			const columns = cells.split(/\s+/);
			assert.equal(columns.length, users.length, line);
			// One column a user, in the users' order.
			const rights = Object.fromEntries(users.map((user, at) => [user, columns[at] ?? "-"])) as Row["rights"];
			return { topic: name.startsWith("/") ? name.slice(1) : `${base}/${name}`, rights };
		});
}

function isAllowed(user: User, topic: string, right: "r" | "w"): boolean {
	const row = matrix.find((candidate) => candidate.topic === topic);
	return row?.rights[user].includes(right) ?? false;
}

function writerOf(topic: string): User | undefined {
	return users.find((user) => isAllowed(user, topic, "w"));
}

/** What `writers` may say and somebody of `readers` may hear. */
function expectedWrites(writers: readonly User[], readers: readonly User[]): string[] {
	return matrix
		.filter(({ topic }) => readers.some((reader) => isAllowed(reader, topic, "r")))
		.flatMap(({ topic }) =>
			writers.filter((user) => isAllowed(user, topic, "w")).map((user) => `${user} ${topic}`),
		)
		.sort();
}

async function textsSeen(crowd: Crowd): Promise<string[]> {
	const texts = new Set<string>();
	for (const user of crowd.present) {
		await seenBy(crowd.of(user));
		for (const packet of crowd.of(user).received) texts.add(text(packet));
	}
	texts.delete("end");
	return [...texts].sort();
}

async function subscribeAll(crowd: Crowd): Promise<void> {
	for (const user of crowd.present) {
		for (const { topic } of matrix) await subscribe(crowd.of(user), topic);
	}
}

async function subscribe(client: TestClient, filter: string): Promise<void> {
	// aedes refuses what is not allowed, Mosquitto grants it and delivers nothing: only what comes counts.
	await client.mqtt.subscribeAsync(filter, { qos: 1 }).catch(() => undefined);
}

async function publishEverything(crowd: Crowd): Promise<void> {
	for (const { topic } of matrix) {
		const writer = writerOf(topic);
		if (writer !== undefined) await crowd.of(writer).publish(topic, "x");
	}
	await crowd.of("coordinator").publish(everybody, "end");
}

async function seenBy(client: TestClient): Promise<string[]> {
	await client.next((packet) => packet.topic === everybody && text(packet) === "end");
	return [...new Set(client.received.map(({ topic }) => topic))].sort();
}

interface Crowd extends AsyncDisposable {
	readonly present: readonly User[];
	of(user: User): TestClient;
}

async function openCrowd(
	broker: TestBroker,
	protocolVersion: 4 | 5,
	present: readonly User[] = users,
): Promise<Crowd> {
	const opened = await Promise.all(
		present.map(
			async (username) => [username, await openClient(broker, { username, protocolVersion })] as const,
		),
	);
	const clients = new Map<User, TestClient>(opened);
	return {
		present,
		of: (user) => {
			const client = clients.get(user);
			assert.ok(client);
			return client;
		},
		[Symbol.asyncDispose]: async () => {
			for (const client of clients.values()) await client[Symbol.asyncDispose]();
		},
	};
}
