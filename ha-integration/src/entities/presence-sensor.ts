import { alwaysAvailable, type Component, entity, type Place } from "./component.ts";

/** Whether a program is heard, from its retained presence and its last will. */
export function presenceSensor(place: Place, named: { id: string; name: string; topic: string }): Component {
	return {
		...entity("binary_sensor", place, named),
		...alwaysAvailable,
		device_class: "connectivity",
		entity_category: "diagnostic",
		state_topic: named.topic,
		value_template: "{{ 'ON' if value_json.state == 'online' else 'OFF' }}",
	};
}
