import { setTimeout as sleep } from "node:timers/promises";
import { isFinal, OperationError, type ResourceId, topicsOf } from "@davit/protocol";
import type { AgentConfig } from "./config.ts";
import { sweepContainers } from "./container/sweep-containers.ts";
import { AgentCore } from "./core/agent-core.ts";
import { describeAgent } from "./describe-agent.ts";
import { errnoOf } from "./files/file-failure.ts";
import { handlers } from "./handlers.ts";
import type { View } from "./inventory.ts";
import { openOperations } from "./journal/operations.ts";
import { type Lookout, openLookout } from "./lookout.ts";
import { type AgentOptions, type Ground, openGround } from "./open-ground.ts";
import type { OperationContext } from "./operation.ts";
import { expireUndo } from "./resource/expire-undo.ts";
import { sweepScratch } from "./resource/sweep-scratch.ts";
import type { Given } from "./running/runner.ts";
import { Retained } from "./showing/keep-retained.ts";
import { ShownResources } from "./showing/show-resources.ts";
import { runTool } from "./snapshot/run-tool.ts";
import { sweepSnapshots } from "./snapshot/snapshots.ts";
import { Wire } from "./wire.ts";

const tickMs = 1_000;
const tidyMs = 60_000;

/** An agent that serves. Closing it undoes or finishes what is under way, then says goodbye. */
export interface Agent extends AsyncDisposable {
	/** Resolves with the reason when it cannot go on and has to be closed; never when all is well. */
	readonly failure: Promise<unknown>;
}

/**
 * Opens the journal, decides what an earlier life left open, and connects. A broker that cannot be reached is waited for in the
 * background; one that refuses the password is thrown.
 * @throws OperationError database-locked | database-read-only | database-damaged | disk-full | configuration-invalid |
 * broker-refused
 */
export async function openAgent(config: AgentConfig, options: AgentOptions): Promise<Agent> {
	const ground = await openGround(config, options);
	const agent = new HostAgent(ground);
	try {
		await agent.open(options.signal ?? new AbortController().signal);
		return agent;
	} catch (error) {
		await agent[Symbol.asyncDispose]();
		throw error;
	}
}

class HostAgent implements Agent {
	readonly #ground: Ground;
	readonly #wire: Wire;
	readonly #core: AgentCore;
	readonly #retained: Retained;
	readonly #shown: ShownResources;
	readonly #closing = new AbortController();
	readonly #failure = Promise.withResolvers<unknown>();
	#lookout: Lookout | undefined;
	#timer: NodeJS.Timeout | undefined;
	readonly #background = new Set<Promise<void>>();

	constructor(ground: Ground) {
		this.#ground = ground;
		const { config, journal, now, log } = ground;
		const { site, host } = config;
		this.#wire = new Wire({
			...{ config, journal, now, log },
			onCommand: (message) => this.#core.receive(message),
			onCoordinator: () => this.#core.coordinatorCame(),
			onBirth: async (session) => {
				await this.#retained.showAll();
				this.#core.connected(session);
			},
			onFatal: (error) => this.#fail(error),
		});
		this.#retained = new Retained(
			(topic, payload) => this.#wire.publishRetained(topic, payload),
			(topic, error) => this.#wire.tellUnsent(topic, error),
		);
		this.#core = new AgentCore({
			...{ site, host, journal, handlers, now, log },
			coordinatorKey: ground.coordinatorKey,
			elapsedMs: () => performance.now(),
			wait: (durationMs, signal) => sleep(durationMs, undefined, { signal }),
			send: (topic, payload) => this.#wire.send(topic, payload),
			contextFor: (given) => this.#contextFor(given),
			onActivity: (resource) => this.#showActivity(resource),
			onFatal: (error) => this.#fail(error),
			trust: (recipients) => this.#trust(recipients),
		});
		const activityOf = (resource: ResourceId) => this.#core.activityOf(resource);
		this.#shown = new ShownResources({ ...ground, site, host, retained: this.#retained, activityOf });
	}

	get failure(): Promise<unknown> {
		return this.#failure.promise;
	}

	async open(signal: AbortSignal): Promise<void> {
		const { config, now, log, archives, journal } = this.#ground;
		const during = AbortSignal.any([signal, this.#closing.signal]);
		const onChange = (view: View): void => this.#inBackground(this.#show(view));
		this.#lookout = await openLookout(
			{ host: config.host, config, now, log, onChange },
			this.#closing.signal,
		);
		const open = journal.read(openOperations).map(({ command }) => archives.archiveOf(command));
		for (const folder of await archives.sweep(new Set(open))) log.warn({ folder }, "removed a half archive");
		during.throwIfAborted();
		this.#core.start();
		await this.#show(this.#lookout.view);
		await this.#wire.open(during);
		this.#timer = setInterval(() => this.#tick(), tickMs);
		this.#inBackground(this.#tidy());
	}

	async [Symbol.asyncDispose](): Promise<void> {
		clearInterval(this.#timer);
		await this.#core.close();
		this.#closing.abort();
		await Promise.all(this.#background);
		await this.#wire.close();
		await this.#lookout?.[Symbol.asyncDispose]();
		this.#ground.journal[Symbol.dispose]();
	}

	#contextFor(given: Given): OperationContext {
		const { config, archives, undoPoints, now, log } = this.#ground;
		const { site, host } = config;
		const engine = this.#lookout?.view.engine;
		const showArchives = async () => {
			if (this.#lookout !== undefined) await this.#show(this.#lookout.view);
		};
		return { ...given, site, host, config, engine, archives, undoPoints, now, log, showArchives };
	}

	async #show(view: View): Promise<void> {
		const { config } = this.#ground;
		const topics = topicsOf(config.site);
		this.#retained.show(topics.description(config.host), await describeAgent(view, this.#ground));
		this.#retained.show(topics.inventory(config.host), view.inventory);
		await this.#shown.showOnly(view.inventory);
	}

	#showActivity(resource: ResourceId): void {
		const state = this.#core.activityOf(resource)?.state;
		if (state === undefined || !isFinal(state)) this.#shown.showActivity(resource);
		else this.#inBackground(this.#showEnd(resource));
	}

	/** An operation ended: archives, the undo and the free space may be others now. */
	async #showEnd(resource: ResourceId): Promise<void> {
		await this.#shown.refresh(resource);
		if (this.#lookout !== undefined) await this.#show(this.#lookout.view);
	}

	#tick(): void {
		try {
			this.#core.tick();
		} catch (error) {
			this.#fail(error);
		}
	}

	/** What nobody waits for, one after the other: an undo that expires may take a container of its own. */
	async #tidy(): Promise<void> {
		const { signal } = this.#closing;
		while (!signal.aborted) {
			try {
				await this.#tidyOnce(signal);
			} catch (error) {
				if (signal.aborted || !mayPass(error)) throw error;
				this.#ground.log.warn({ err: error }, "could not tidy up yet");
			}
			await sleep(tidyMs, undefined, { signal });
		}
	}

	async #tidyOnce(signal: AbortSignal): Promise<void> {
		const { log, archives } = this.#ground;
		await archives.records.saveServed();
		await this.#sweepSnapshots(signal);
		await this.#sweep(signal);
		const engine = this.#lookout?.view.engine;
		for (const { command, resource, failure } of await expireUndo({ ...this.#ground, engine }, signal)) {
			if (failure === undefined) log.info({ command, resource }, "removed an undo whose time had passed");
			else
				log.warn({ command, resource, err: failure }, "an undo whose time had passed could not be removed");
			await this.#shown.refresh(resource);
		}
	}

	async #sweep(signal: AbortSignal): Promise<void> {
		const { journal, config, log } = this.#ground;
		const engine = this.#lookout?.view.engine;
		const isOpen = (wanted: string) => journal.read(openOperations).some(({ command }) => command === wanted);
		try {
			const left = await sweepScratch({ engine, config, isOpen }, signal);
			if (left.length > 0) log.warn({ left }, "removed what drills or plans of an earlier life left");
			if (engine === undefined) return;
			const open = new Set(journal.read(openOperations).map(({ command }) => command));
			const swept = await sweepContainers({ engine, home: config.home, open }, signal);
			if (swept.length > 0) log.warn({ containers: swept }, "removed helper containers of an earlier life");
		} catch (error) {
			if (!(error instanceof OperationError)) throw error;
			log.warn({ err: error }, "what an earlier life left could not be looked for");
		}
	}

	async #sweepSnapshots(signal: AbortSignal): Promise<void> {
		const { journal, config, log } = this.#ground;
		const open = new Set<string>(journal.read(openOperations).map(({ command }) => command));
		for (const { name, failure } of await sweepSnapshots(config.home, open, { run: runTool, signal })) {
			if (failure === undefined) log.warn({ snapshot: name }, "removed a snapshot of an earlier life");
			else log.warn({ snapshot: name, err: failure }, "a snapshot could not be removed yet");
		}
	}

	/** What is shown can be late or wrong for a while; what ends the work by closing is no failure. */
	#inBackground(work: Promise<void>): void {
		const done: Promise<void> = work
			.catch((error: unknown) => {
				if (this.#closing.signal.aborted) return;
				if (mayPass(error)) this.#ground.log.warn({ err: error }, "could not be shown");
				else this.#fail(error);
			})
			.finally(() => this.#background.delete(done));
		this.#background.add(done);
	}

	/** Without them the agent goes on as before. */
	#trust(recipients: readonly string[]): void {
		const { keyring, log } = this.#ground;
		keyring.trust(recipients).catch((error: unknown) => {
			log.error({ err: error }, "a recovery key could not be noted");
		});
	}

	#fail(error: unknown): void {
		// Who came second may still tidy up; without its journal an agent may not do anything any more.
		const isTidy = error instanceof OperationError && error.code === "host-name-taken";
		if (!isTidy) this.#core.abandon(error);
		this.#failure.resolve(error);
	}
}

/** What the agent lives on with. A disk of archives that does not answer is no reason to end, and to leave services down. */
function mayPass(error: unknown): boolean {
	return error instanceof OperationError || errnoOf(error) !== undefined;
}
