// Replaced by the real sources of the room.
