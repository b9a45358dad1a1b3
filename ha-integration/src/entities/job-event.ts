import { alwaysAvailable, type Component, entity, type ResourcePlace } from "./component.ts";

/** What can end on a resource, as automations name it. */
export const eventTypes = [
	"backup_completed",
	"backup_failed",
	"restore_completed",
	"restore_failed",
	"verify_completed",
	"verify_failed",
	"drill_completed",
	"drill_failed",
] as const;
export type EventType = (typeof eventTypes)[number];

/** What a host as a whole is asked for. */
export const wholeHostEvents = ["backup_completed", "backup_failed"] as const satisfies readonly EventType[];

const triggerTypes = [...wholeHostEvents, "restore_completed", "restore_failed"] as const;

/** The newest thing that ended. Always available: an event entity that comes back would fire automations for its old event. */
export function jobEvent(place: ResourcePlace, types: readonly EventType[] = eventTypes): Component {
	return {
		...entity("event", place, { id: "job", name: "Job" }),
		...alwaysAvailable,
		icon: "mdi:clipboard-check-outline",
		state_topic: place.topics.event(place.host, place.resource),
		event_types: types,
	};
}

/** Triggers for automations made by clicking. */
export function jobTriggers(
	place: ResourcePlace,
	types: readonly EventType[] = triggerTypes,
): Record<string, Component> {
	return Object.fromEntries(
		types.map((type): [string, Component] => [
			`trigger_${type}`,
			{
				platform: "device_automation",
				automation_type: "trigger",
				type,
				subtype: "job",
				topic: place.topics.trigger(place.host, place.resource),
				payload: type,
				qos: 1,
			},
		]),
	);
}
