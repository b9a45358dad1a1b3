import type { Handlers, Operation, Step } from "@davit/agents/operation.ts";
import { isReading } from "@davit/agents/operation.ts";
import {
	Command,
	CommandId,
	type HostName,
	isFinal,
	type OperationName,
	Report,
	sealCommand,
} from "@davit/protocol";
import type { Message } from "@davit/protocol/mqtt";
import type { Promised } from "./auditor.ts";
import type { Sabotage } from "./sabotage.ts";
import { coordinatorKey, foreignKey } from "./site.ts";

export interface Mutation {
	/** What no longer holds, as a sentence's end: "an agent that …". */
	readonly name: string;
	readonly sabotage: Sabotage;
	/** What the auditor has to say of it. */
	readonly promise: Promised;
}

/** Programs that are broken in one way each. An auditor that passes any of them is worth nothing. */
export const mutations: readonly Mutation[] = [
	{
		name: "an agent that does not remember which commands it has carried out",
		promise: "I1",
		sabotage: {
			beforeAgent: ({ database }, message) => {
				const ended = "(SELECT command FROM operations WHERE phase = 'ended')";
				for (const table of ["steps", "outbox"]) {
					database.exec(`DELETE FROM ${table} WHERE command IN ${ended}`);
				}
				database.exec("CREATE TEMP TABLE gone AS SELECT command FROM operations WHERE phase = 'ended'");
				for (const table of ["operations", "inbox"]) {
					database.exec(`DELETE FROM ${table} WHERE command IN (SELECT command FROM gone)`);
				}
				database.exec("DROP TABLE gone");
				return [message];
			},
		},
	},
	{
		name: "an agent that carries out each step twice",
		promise: "I1",
		sabotage: {
			handlers: withSteps((step) => ({
				run: async (signal) => {
					await step.run(signal);
					return step.run(signal);
				},
			})),
		},
	},
	{
		name: "an agent whose undo does nothing",
		promise: "I1",
		sabotage: { handlers: withSteps(() => ({ undo: () => Promise.resolve() })) },
	},
	{
		name: "an agent that never finds what it did before a crash",
		promise: "I1",
		sabotage: { handlers: withSteps(() => ({ probe: () => Promise.resolve("absent") })) },
	},
	{
		name: "an agent that ignores its locks",
		promise: "I2",
		sabotage: {
			beforeAgent: ({ database }, message) => {
				database.exec("DELETE FROM locks");
				return doubled(message);
			},
		},
	},
	{
		name: "a history that changes how a run ended",
		promise: "I3",
		sabotage: {
			meddle: (_agents, { database }) =>
				database.run(
					"UPDATE runs SET record = json_set(record, '$.run.state', 'failed') WHERE state = 'succeeded'",
				),
		},
	},
	{
		name: "a coordinator that applies reports in any order",
		promise: "I3",
		sabotage: { beforeCoordinator: inAnyOrder() },
	},
	{
		name: "an agent that forgets its fences",
		promise: "I4",
		sabotage: {
			beforeAgent: ({ database }, message) => {
				database.exec("UPDATE fences SET fence = 0");
				return [message];
			},
		},
	},
	{
		name: "a coordinator that is deaf to good news",
		promise: "I5",
		sabotage: {
			beforeCoordinator: (message) => (reportIn(message)?.state === "succeeded" ? [] : [message]),
		},
	},
	{
		name: "an agent that does not check signatures",
		promise: "I7",
		sabotage: {
			beforeAgent: (_agent, message) => [
				resealed(message, (command, key) => (key === foreignKey.id ? command : undefined)),
			],
		},
	},
	{
		name: "an agent that obeys commands for other hosts",
		promise: "I7",
		sabotage: {
			beforeAgent: ({ name }, message) => [resealed(message, (command) => forHost(command, name))],
		},
	},
	{
		name: "an agent that does not look at the start-by time",
		promise: "I7",
		sabotage: {
			beforeAgent: (agent, message) => [
				resealed(message, (command) => {
					const isLate = Date.parse(command.startBy) < agent.now() - 20 * 60_000;
					const startBy = new Date(agent.now() + 3_600_000).toISOString() as Command["startBy"];
					return isLate ? { ...command, startBy } : undefined;
				}),
			],
		},
	},
	{
		name: "a history that loses runs",
		promise: "requests",
		sabotage: {
			meddle: (_agents, { database }) => database.run("DELETE FROM runs WHERE state = 'succeeded'"),
		},
	},
];

function withSteps(change: (step: Step) => Partial<Step>): (handlers: Handlers) => Handlers {
	const changed = (handler: Handlers[OperationName]): Handlers[OperationName] => {
		if (isReading(handler)) return handler;
		// What is no reading is an operation of the same name.
		const operation = handler as Operation<OperationName>;
		return {
			...operation,
			steps: (facts, context) =>
				operation.steps(facts, context).map((step) => ({ ...step, ...change(step) })),
		};
	};
	// Each name keeps a handler of its own kind.
	return (handlers) =>
		Object.fromEntries(
			Object.entries(handlers).map(([name, handler]) => [name, changed(handler)]),
		) as Handlers;
}

function inAnyOrder(): (message: Message) => readonly Message[] {
	let sequence = 1_000_000_000;
	return (message) => {
		const report = reportIn(message);
		if (report === undefined || isFinal(report.state)) return [message];
		sequence += 1;
		const newest = { ...report, agentEpoch: 1_000_000, sequence };
		return [{ ...message, payload: Buffer.from(JSON.stringify(newest)) }];
	};
}

function reportIn({ payload }: Message): Report | undefined {
	return Report.safeParse(jsonIn(payload)).data;
}

/** The message of what `change` makes of a command, under the coordinator's own key; else the message itself. */
function resealed(message: Message, change: (command: Command, key: string) => Command | undefined): Message {
	const envelope = jsonIn(message.payload);
	if (typeof envelope !== "object" || envelope === null) return message;
	if (!("payload" in envelope) || !("key" in envelope)) return message;
	const text = Buffer.from(String(envelope.payload), "base64url");
	const command = Command.safeParse(jsonIn(text)).data;
	const changed = command === undefined ? undefined : change(command, String(envelope.key));
	if (changed === undefined) return message;
	return { ...message, payload: Buffer.from(sealCommand(changed, coordinatorKey)) };
}

/** Two commands for one resource where the coordinator gave one. */
export function doubled(message: Message): readonly Message[] {
	const other = resealed(message, (command) => {
		if (command.kind !== "run") return undefined;
		const id = CommandId.parse(command.id.replace(/-0(?=[^-]*$)/, "-f"));
		return { ...command, id, fence: command.fence + 1 };
	});
	return other === message ? [message] : [message, other];
}

function forHost(command: Command, host: HostName): Command | undefined {
	return command.kind === "run" && command.host !== host ? { ...command, host } : undefined;
}

function jsonIn(bytes: Uint8Array): unknown {
	const text = Buffer.from(bytes).toString();
	return text.startsWith("{") && text.endsWith("}") ? JSON.parse(text) : undefined;
}
