import {
	type CommandId,
	describeIssues,
	handlesData,
	isOperationName,
	OperationError,
	type OperationName,
	operations,
	type RunCommand,
	resourceOf,
} from "@davit/protocol";
import type { Database } from "../journal/database.ts";
import { lockHolder, partHolder } from "../journal/locks.ts";
import { findOperation, seenFence } from "../journal/operations.ts";
import { type Handlers, isReading } from "../operation.ts";
import { busy } from "./busy.ts";

const skewAtMostMs = 300_000;

export interface Standing {
	readonly handlers: Handlers;
	readonly coordinatorEpoch: number;
	/** This host's clock in milliseconds since 1970, as the coordinator's clock has it where the difference is known. */
	readonly coordinatorNowMs: number;
	/** How far the coordinator's clock is ahead, where it is known. */
	readonly clockOffsetMs: number | undefined;
	/** The coordinator greeted this session. */
	readonly isWelcome: boolean;
}

export interface Judged {
	readonly operation: OperationName;
	readonly params: Readonly<Record<string, unknown>>;
	/** It holds its resource alone. */
	readonly locks: boolean;
}

/**
 * Whether a new, genuine command may be taken, in the order that docs/protocol.md gives.
 * @throws OperationError epoch-stale | command-expired | clock-skewed | fence-stale | unsupported | command-malformed |
 * not-welcome | resource-busy
 */
export function judgeRun(database: Database, command: RunCommand, standing: Standing): Judged {
	requireCurrent(command, standing);
	const { operation } = command;
	const isDangerous = isOperationName(operation) && operations[operation].effect !== "reads";
	if (isDangerous) requireClockAndFence(database, command, standing);
	const judged = requireKnown(command, standing.handlers);
	if (isDangerous && !standing.isWelcome) {
		throw new OperationError(
			"not-welcome",
			`${operation} of ${command.resource} was refused: the coordinator has not greeted this agent since it connected`,
		);
	}
	requireFree(database, command, judged);
	return judged;
}

/** @throws OperationError epoch-stale | command-expired */
export function requireCurrent(
	{ id, epoch, startBy }: Pick<RunCommand, "id" | "epoch" | "startBy">,
	{ coordinatorEpoch, coordinatorNowMs }: Standing,
): void {
	if (epoch < coordinatorEpoch) {
		throw new OperationError(
			"epoch-stale",
			`command ${id} is from the coordinator's life ${epoch}, and life ${coordinatorEpoch} was already obeyed`,
		);
	}
	if (coordinatorNowMs > Date.parse(startBy)) {
		throw new OperationError(
			"command-expired",
			`command ${id} was to begin by ${startBy} and came at ${new Date(coordinatorNowMs).toISOString()}`,
		);
	}
}

function requireClockAndFence(database: Database, command: RunCommand, { clockOffsetMs }: Standing): void {
	if (clockOffsetMs !== undefined && Math.abs(clockOffsetMs) > skewAtMostMs) {
		const seconds = Math.round(Math.abs(clockOffsetMs) / 1_000);
		throw new OperationError(
			"clock-skewed",
			`${command.operation} of ${command.resource} was refused: this host's clock is ${seconds} s ` +
				`${clockOffsetMs > 0 ? "behind" : "ahead of"} the coordinator's`,
		);
	}
	const seen = seenFence(database, command.resource);
	if (command.fence <= seen) {
		throw new OperationError(
			"fence-stale",
			`${command.operation} of ${command.resource} has fence ${command.fence}, and ${seen} was already seen`,
		);
	}
}

function requireKnown(command: RunCommand, handlers: Handlers): Judged {
	const { operation } = command;
	if (!isOperationName(operation)) {
		throw new OperationError("unsupported", `this agent does not know the operation ${operation}`);
	}
	const params = operations[operation].params.safeParse(command.params);
	if (!params.success) {
		throw new OperationError(
			"command-malformed",
			`the parameters of ${operation} cannot be used: ${describeIssues(params.error)}`,
		);
	}
	const named = resourceOf(params.data);
	if (named !== command.resource) {
		throw new OperationError(
			"command-malformed",
			`a command for ${command.resource} has parameters that name ${named}`,
		);
	}
	return { operation, params: params.data, locks: !isReading(handlers[operation]) };
}

/** A reading is held up only by what writes or destroys; nothing is held up by a reading. A part of a stack keeps its archives to itself. */
function requireFree(database: Database, { resource }: RunCommand, { operation, locks }: Judged): void {
	const ofStack = handlesData(operation) ? partHolder(database, resource) : undefined;
	const holder = lockHolder(database, resource) ?? ofStack;
	if (holder === undefined) return;
	if (!locks && effectOf(database, holder) === "reads") return;
	throw busy(database, { operation, resource, holder });
}

function effectOf(database: Database, command: CommandId): string {
	const holding = findOperation(database, command);
	return holding === undefined ? "destroys" : operations[holding.operation].effect;
}
