import type { ResourceId } from "@davit/protocol";
import type { Database } from "./database.ts";

/** Resources of which the broker keeps something that this agent said. */
export function shownResources(database: Database): readonly ResourceId[] {
	return database
		.prepare<[], { resource: ResourceId }>("SELECT resource FROM shown ORDER BY resource")
		.all()
		.map(({ resource }) => resource);
}

export function rememberShown(database: Database, resource: ResourceId): void {
	database.prepare("INSERT OR IGNORE INTO shown VALUES (?)").run(resource);
}

export function forgetShown(database: Database, resource: ResourceId): void {
	database.prepare("DELETE FROM shown WHERE resource = ?").run(resource);
}
