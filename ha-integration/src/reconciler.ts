import { setTimeout as wait } from "node:timers/promises";
import { HostName, type Logger } from "@davit/protocol";
import type { IntegrationConfig } from "./config.ts";
import { discoverSite } from "./discovery.ts";
import type { Publisher } from "./publisher.ts";
import type { SiteSight } from "./site-sight.ts";

/** Home Assistant drops parts of a device that is announced again while it still takes the last one in. */
const betweenPublishesMs = 2000;

export interface ReconcilerOptions {
	readonly config: IntegrationConfig;
	readonly version: string;
	readonly sight: SiteSight;
	readonly publisher: Publisher;
	readonly log: Logger;
	readonly life: AbortSignal;
}

/** Brings the broker's discovery messages up to date once the retained ones have been read, and then after each change. */
export class Reconciler {
	readonly #options: ReconcilerOptions;
	#heardAt = 0;
	#isDirty = false;
	#work: Promise<void> | undefined;

	constructor(options: ReconcilerOptions) {
		this.#options = options;
	}

	heard(): void {
		this.#heardAt = performance.now();
	}

	changed(): void {
		this.heard();
		this.#isDirty = true;
		this.#start();
	}

	async stopped(): Promise<void> {
		await this.#work;
	}

	#start(): void {
		this.#work ??= this.#reconcileUntilClean().finally(() => {
			this.#work = undefined;
		});
	}

	async #reconcileUntilClean(): Promise<void> {
		const { life, log } = this.#options;
		while (this.#isDirty && !life.aborted) {
			try {
				await this.#quiet();
				this.#isDirty = false;
				const { published, isDue } = await this.#reconcile();
				if (isDue) this.#isDirty = true;
				if (published > 0) {
					log.info({ published }, "home assistant discovery updated");
					await wait(betweenPublishesMs, undefined, { signal: life });
				}
			} catch (error) {
				if (life.aborted) return;
				// The next birth of the session marks the view dirty and starts again.
				log.warn({ err: error }, "home assistant discovery waits for the broker");
				return;
			}
		}
	}

	#reconcile(): Promise<{ published: number; isDue: boolean }> {
		const { config, version, sight, publisher } = this.#options;
		const wanted = discoverSite({
			site: config.site,
			version,
			pageUrl: config.pageUrl,
			hosts: sight.hosts(),
		});
		return publisher.reconcile(wanted, {
			mayClear: (topic) => {
				const host = HostName.safeParse(topic.split("/")[3]?.split("_")[0]).data;
				return host !== undefined && (sight.knows(host) || sight.isGone(host));
			},
		});
	}

	/** Waits until no message came for the settling time. */
	async #quiet(): Promise<void> {
		const { config, life } = this.#options;
		for (;;) {
			const left = this.#heardAt + config.settleMs - performance.now();
			if (left <= 0) return;
			await wait(left, undefined, { signal: life });
		}
	}
}
