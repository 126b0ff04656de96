from slotwire_contracts.topics import BOOKING_EVENTS, Topic, dead_letter_topic, dead_letters
