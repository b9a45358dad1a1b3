import { ResourceStatus } from "@davit/protocol";
import { type Component, entity, type ResourcePlace } from "./component.ts";

// Both read the coordinator's retained status and are unavailable while it is away.

/** The answer to a press: what became of the newest backup that was asked for, and why. */
export function backupStateSensor(place: ResourcePlace): Component {
	const topic = place.topics.resourceStatus(place.host, place.resource);
	return {
		...entity("sensor", place, { id: "backup_state", name: "Backup state" }),
		device_class: "enum",
		options: ResourceStatus.shape.backup.options,
		state_topic: topic,
		value_template: "{{ value_json.backup }}",
		json_attributes_topic: topic,
		json_attributes_template: attributes,
	};
}

/** On when no good archive exists within the schedule's interval and its margin. */
export function backupOverdueSensor(place: ResourcePlace): Component {
	return {
		...entity("binary_sensor", place, { id: "backup_overdue", name: "Backup overdue" }),
		device_class: "problem",
		state_topic: place.topics.resourceStatus(place.host, place.resource),
		value_template: "{{ 'ON' if value_json.overdue else 'OFF' }}",
	};
}

const attributes =
	"{{ {'reason': value_json.reason, 'run': value_json.run, 'next_due': value_json.nextDueAt, " +
	"'step': value_json.progress.step if value_json.progress else None, " +
	"'bytes': value_json.progress.bytes if value_json.progress else None, " +
	"'total_bytes': value_json.progress.totalBytes | default(None) if value_json.progress else None} | tojson }}";
