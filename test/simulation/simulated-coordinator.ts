import { CoordinatorCore } from "@davit/coordinator/core/core.ts";
import { type Database, openDatabase } from "@davit/coordinator/history/database.ts";
import { openHistory, type WritePoint } from "@davit/coordinator/history/history.ts";
import type { AnyRunRecord } from "@davit/coordinator/history/records.ts";
import { schema } from "@davit/coordinator/history/schema.ts";
import { CommandId, hostInTopic, principalInTopic, topicsOf } from "@davit/protocol";
import type { Message } from "@davit/protocol/mqtt";
import { Crash, type Scene } from "./scene.ts";
import { coordinatorKey, site } from "./site.ts";
import { storyLog } from "./story-log.ts";
import type { Party } from "./wire.ts";

const topics = topicsOf(site);

const limits = {
	...{ offlineGraceSeconds: 30, overdueMarginSeconds: 3_600, runRetentionSeconds: 86_400 },
};

interface Life {
	readonly number: number;
	isOver: boolean;
	writesLeft: number | undefined;
	core: CoordinatorCore | undefined;
	readonly received: Message[];
}

/** A coordinator that lives, dies and lives again over the same history. */
export class SimulatedCoordinator implements Party {
	readonly name = "coordinator";
	readonly database: Database = openDatabase(":memory:", schema);
	readonly #scene: Scene;
	#life: Life | undefined;
	#lives = 0;
	#ids = 0;

	constructor(scene: Scene) {
		this.#scene = scene;
	}

	boot(isAfterCrash = false): void {
		const { chance, weather, story } = this.#scene;
		this.#lives += 1;
		const diesSoon = isAfterCrash && chance.hits(weather.secondCrashShare);
		const life: Life = {
			...{ number: this.#lives, isOver: false, core: undefined, received: [] },
			writesLeft: diesSoon ? chance.whole(0, 4) : undefined,
		};
		this.#life = life;
		story(`the coordinator starts its life ${life.number}`);
		this.#guard(life, () => {
			this.#open(life).load();
			this.look();
			this.#scene.wire.attach(this);
			this.#tickSoon(life);
		});
	}

	/** Runs `work` on the core that lives now; undefined where there is none, or it died of it. */
	attempt<Value>(work: (core: CoordinatorCore) => Value): Value | undefined {
		const life = this.#life;
		if (life?.core === undefined) return undefined;
		const { core } = life;
		return this.#guard(life, () => work(core));
	}

	hears(topic: string): boolean {
		const host = hostInTopic(topic);
		return host === undefined ? principalInTopic(topic) !== undefined : topic !== topics.command(host);
	}

	/** What comes within a moment is taken together, as the program around the core does. */
	receive(message: Message): void {
		const life = this.#life;
		if (life === undefined) return;
		life.received.push(message);
		if (life.received.length > 1) return;
		const { timeline, chance, sabotage } = this.#scene;
		timeline.in(chance.hits(0.3) ? chance.between(1, 40) : 0, () => {
			const taken = life.received.splice(0);
			if (life.isOver) return;
			const heard = taken.flatMap((one) => sabotage.beforeCoordinator?.(one) ?? [one]);
			this.attempt((core) =>
				core.together(() => {
					for (const one of heard) core.receive(one);
				}),
			);
		});
	}

	connected(): void {
		this.attempt((core) => core.birth());
	}

	lost(): void {
		this.#scene.story("the coordinator is cut off");
		this.attempt((core) => core.lost());
	}

	will() {
		return this.#life?.core?.presence("offline");
	}

	close(): void {
		this.database.close();
	}

	/** Every run that the history holds. */
	records(): AnyRunRecord[] {
		// Only the history writes this column.
		return this.database.all("SELECT record FROM runs ORDER BY number").map(recordIn);
	}

	/** Commands that still wait for an answer. */
	pending(): readonly string[] {
		return this.database
			.all("SELECT kind, id FROM commands WHERE state = 'pending'")
			.map(({ kind, id }) => `${kind} ${id}`);
	}

	#open(life: Life): CoordinatorCore {
		const { timeline, chance, weather, wire, auditor } = this.#scene;
		const now = () => timeline.nowMs;
		const history = openHistory({
			...{ file: ":memory:", database: this.database, now },
			onWrite: (point, moment) => this.#strike(life, point, moment),
		});
		life.core = new CoordinatorCore({
			...{ site, history, key: coordinatorKey, now, session: `coordinator-${life.number}` },
			steady: () => ({ since: "the only boot", ms: timeline.nowMs }),
			random: () => chance.next(),
			newId: () => this.#newId(),
			limits: { ...limits, deadlineSeconds: weather.deadlineSeconds },
			log: storyLog(this.#scene, this.name, life),
			send: (outgoing) => {
				if (life.isOver) return;
				auditor.heardCoordinator(outgoing);
				wire.publish(this, outgoing);
			},
		});
		return life.core;
	}

	#strike(life: Life, point: WritePoint, moment: "before-commit" | "after-commit"): void {
		if (life.isOver) throw new Crash(point);
		const { chance, weather, note } = this.#scene;
		const isLast = life.writesLeft === 0 && weather.crashShare > 0;
		if (life.writesLeft !== undefined) life.writesLeft -= 1;
		if (!isLast && !chance.hits(weather.crashShare)) return;
		note(`coordinator crash ${moment} ${point}`, "");
		this.#kill(life, `${moment} ${point}`);
		throw new Crash(point);
	}

	#kill(life: Life, where: string): void {
		if (life.isOver) return;
		const { note, wire, timeline, chance } = this.#scene;
		note("coordinator crash", where);
		if (life.writesLeft !== undefined) note("coordinator crash twice in a row", "");
		wire.detach(this);
		life.isOver = true;
		this.#life = undefined;
		timeline.in(chance.between(100, 15_000), () => this.boot(true));
	}

	#guard<Value>(life: Life, work: () => Value): Value | undefined {
		try {
			return work();
		} catch (error) {
			if (life.isOver && error instanceof Crash) return undefined;
			const text = error instanceof Error ? error.stack : String(error);
			this.#scene.auditor.accuse("defect", `coordinator: ${text}`);
			this.#kill(life, "of a defect");
			return undefined;
		}
	}

	#tickSoon(life: Life): void {
		const { timeline, chance } = this.#scene;
		timeline.in(chance.between(500, 2_500), () => {
			if (life.isOver) return;
			this.#guard(life, () => life.core?.tick());
			if (!life.isOver) this.#tickSoon(life);
		});
	}

	/** What the history holds may not differ from what was said of it. */
	look(): void {
		const { states } = this.#scene.auditor;
		for (const { run } of this.records()) states.heardRun(run);
		for (const { host, resource, fence } of this.database.all("SELECT * FROM fences")) {
			states.measured(`fence given for ${host} ${resource}`, Number(fence));
		}
		const epoch = this.database.get("SELECT value FROM meta WHERE key = 'epoch'")?.["value"];
		states.measured("the coordinator's epoch", Number(epoch));
	}

	/** Version 7 by simulated time; rises within a millisecond too. */
	#newId(): CommandId {
		this.#ids += 1;
		const time = this.#scene.timeline.nowMs.toString(16).padStart(12, "0");
		const count = this.#ids.toString(16).padStart(15, "0");
		return CommandId.parse(
			`${time.slice(0, 8)}-${time.slice(8)}-7${count.slice(0, 3)}-8${count.slice(3, 6)}-000${count.slice(6)}`,
		);
	}
}

function recordIn(row: Readonly<Record<string, unknown>>): AnyRunRecord {
	// Only the history writes this column, from such a record.
	return JSON.parse(String(row["record"])) as AnyRunRecord;
}
