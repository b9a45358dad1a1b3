import type { CommandId, ResourceId, RunCommand, RunId } from "@davit/protocol";
import { backupResult, nas, type Stage, startMs } from "./stage.ts";

type Said = { sequence: number; state: "accepted" | "succeeded" | "failed" };

/**
 * A host that does whatever it is told and keeps what it did: the truth that a dying coordinator must agree with in the end.
 * It says everything again until it is acknowledged, as agents do. What is in `broken` fails.
 */
export class FakeHost {
	readonly begun = new Map<CommandId, { readonly run: RunId; readonly resource: ResourceId }>();
	readonly #unheard = new Map<CommandId, Said>();
	readonly #resources: readonly ResourceId[];
	readonly #broken: ReadonlySet<ResourceId>;
	#read = 0;

	constructor(resources: readonly ResourceId[], broken: readonly ResourceId[] = []) {
		this.#resources = resources;
		this.#broken = new Set(broken);
	}

	connect(stage: Stage): void {
		this.#read = 0;
		stage.host(nas, this.#resources);
		stage.sync(nas, {
			open: [...this.#unheard].map(([command, said]) => ({ command, ...said })),
		});
	}

	work(stage: Stage): void {
		const commands = stage.commands();
		for (const command of commands.slice(this.#read)) {
			if (command.kind === "run") {
				this.#take(command);
			} else if (command.kind === "receipt") {
				const said = this.#unheard.get(command.command);
				if (said?.sequence !== command.sequence) continue;
				if (said.state === "accepted") this.#end(command.command);
				else this.#unheard.delete(command.command);
			}
		}
		this.#read = commands.length;
		for (const [command, said] of [...this.#unheard]) {
			const result = said.state === "succeeded" ? { result: backupResult("0123456789", startMs) } : {};
			stage.report(command, { ...said, ...result });
		}
	}

	#take({ id, run, resource }: RunCommand): void {
		if (this.begun.has(id)) return;
		this.begun.set(id, { run, resource });
		this.#unheard.set(id, { sequence: 1, state: "accepted" });
	}

	#end(command: CommandId): void {
		const resource = this.begun.get(command)?.resource;
		const isBroken = resource !== undefined && this.#broken.has(resource);
		this.#unheard.set(command, { sequence: 2, state: isBroken ? "failed" : "succeeded" });
	}
}
