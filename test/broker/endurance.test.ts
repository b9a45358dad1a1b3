import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { describe, it } from "node:test";
import { HostName, topicsOf } from "@davit/protocol";
import { pollUntil } from "../lab/process/poll.ts";
import { openClient, type TestClient, text } from "./client.ts";
import { brokerKinds, site, type TestBroker } from "./kinds.ts";

const nas = HostName.parse("nas");
const topics = topicsOf(site);

for (const kind of brokerKinds) {
	describe(`${kind.name} under strain`, { skip: kind.unavailable ?? false }, () => {
		it("serves on after 400 connections of broken bytes, and keeps none of them", async (t) => {
			await using broker = await kind.open([nas], t.signal);
			await using listener = await openClient(broker, { username: "coordinator", protocolVersion: 5 });
			await listener.mqtt.subscribeAsync(topics.report(nas), { qos: 1 });
			const sent = await Promise.all(Array.from({ length: 400 }, (_, at) => sendBroken(broker, at)));
			assert.equal(sent.filter((bytes) => bytes > 0).length, 400);
			await using speaker = await openClient(broker, { username: nas, protocolVersion: 5 });
			await speaker.publish(topics.report(nas), "alive");
			assert.equal(text(await listener.next(() => true)), "alive");
			const { embedded } = broker;
			if (embedded === undefined) return;
			await pollUntil(() => embedded.connections === 2, {
				what: "the broken connections to be gone",
				timeoutMs: 12_000,
				signal: t.signal,
			});
		});

		it("lets 1,000 agents in, hears each of them and reaches each of them", async (t) => {
			const hosts = Array.from({ length: 1000 }, (_, at) => HostName.parse(`host-${at}`));
			await using broker = await kind.open(hosts, t.signal);
			await using coordinator = await openClient(broker, { username: "coordinator", protocolVersion: 5 });
			await coordinator.mqtt.subscribeAsync([topics.all.presences, topics.all.reports], { qos: 1 });
			const startedMs = performance.now();
			const agents = await Promise.all(hosts.map((host) => bear(broker, host)));
			const bornMs = performance.now() - startedMs;
			await Promise.all(
				hosts.map(async (host, at) => {
					await coordinator.publish(topics.command(host), `for ${host}`);
					const command = await agents[at]?.next(({ topic }) => topic === topics.command(host));
					assert.equal(command && text(command), `for ${host}`);
					await agents[at]?.publish(topics.report(host), "done");
				}),
			);
			const answered = () =>
				new Set(coordinator.received.map(({ topic }) => topic).filter((topic) => topic.endsWith("/report")));
			await pollUntil(() => answered().size === hosts.length, {
				what: "a report of each agent",
				timeoutMs: 10_000,
				signal: t.signal,
			});
			const allMs = performance.now() - startedMs;
			t.diagnostic(`1,000 born in ${Math.round(bornMs)} ms, all done after ${Math.round(allMs)} ms`);
			const presences = coordinator.received.filter(({ topic }) => topic.endsWith("/presence"));
			assert.equal(new Set(presences.map(({ topic }) => topic)).size, hosts.length);
			assert.ok(allMs < 30_000, `${allMs} ms`);
			for (const agent of agents) agent.mqtt.end(true);
		});
	});
}

describe("aedes with a client that reads nothing", () => {
	it("goes on serving the others, and drops that one", async (t) => {
		const aedes = brokerKinds[0];
		assert.ok(aedes?.name === "aedes");
		await using broker = await aedes.open([nas], t.signal);
		await using frozen = await openClient(broker, { username: "integration", protocolVersion: 5 });
		await using awake = await openClient(broker, { username: "coordinator", protocolVersion: 5 });
		await using speaker = await openClient(broker, { username: nas, protocolVersion: 5 });
		for (const client of [frozen, awake])
			await client.mqtt.subscribeAsync(topics.all.inventories, { qos: 1 });
		// The client's own socket, so that nothing is read and the broker's fills up.
		const socket = frozen.mqtt.stream as unknown as Socket;
		socket.pause();
		const payload = "x".repeat(60_000);
		const count = 400;
		for (let at = 0; at < count; at++) await speaker.publish(topics.inventory(nas), payload);
		await pollUntil(() => awake.received.length === count, {
			what: "the awake client to get everything",
			timeoutMs: 10_000,
			signal: t.signal,
		});
		// Proof that it was frozen: it is still connected, and far from having got what the other has.
		assert.equal(broker.embedded?.connections, 3);
		assert.ok(frozen.received.length < count / 2, `${frozen.received.length} of ${count}`);
		await pollUntil(() => broker.embedded?.connections === 2, {
			what: "the frozen client to be dropped",
			timeoutMs: 10_000,
			signal: t.signal,
		});
		socket.resume();
	});
});

async function bear(broker: TestBroker, host: HostName): Promise<TestClient> {
	const agent = await openClient(broker, {
		...{ username: host, protocolVersion: 5 },
		will: { topic: topics.presence(host), payload: Buffer.from("gone"), qos: 1, retain: true },
	});
	await agent.mqtt.subscribeAsync([topics.command(host), topics.coordinatorPresence()], { qos: 1 });
	await agent.publish(topics.presence(host), "here", { retain: true });
	return agent;
}

/** A CONNECT of MQTT 3.1.1 or 5 for user `u`, with password `p`. */
function connectPacket(version: 4 | 5): Buffer {
	const properties = version === 5 ? [0] : [];
	const field = (value: string) => [0, value.length, ...Buffer.from(value)];
	const body = [
		...field("MQTT"),
		version,
		0xc2,
		0,
		60,
		...properties,
		...field("x"),
		...field("u"),
		...field("p"),
	];
	return Buffer.from([0x10, body.length, ...body]);
}

/** Noise, a CONNECT cut short, a CONNECT and noise, or a length that never comes; resolves with the bytes sent. */
async function sendBroken(broker: TestBroker, at: number): Promise<number> {
	const whole = connectPacket(at % 2 === 0 ? 4 : 5);
	const noise = randomBytes(1 + (at % 97));
	const bytes = [
		noise,
		whole.subarray(0, 1 + (at % (whole.length - 1))),
		Buffer.concat([whole, noise]),
		Buffer.concat([Buffer.from([0x30, 0xff, 0xff, 0xff, 0x7f]), noise]),
	][at % 4];
	assert.ok(bytes);
	const socket = connect(broker.port, "127.0.0.1");
	await once(socket, "connect");
	// The broker may hang up before the last byte, which is its right.
	socket.on("error", () => socket.destroy());
	const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
	socket.write(bytes);
	socket.end();
	socket.resume();
	const timer = setTimeout(() => socket.destroy(), 2_000);
	await closed;
	clearTimeout(timer);
	return socket.bytesWritten;
}
