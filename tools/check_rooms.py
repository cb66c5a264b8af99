#!/usr/bin/env python3
"""Checks that every #include of the product leads to its own room or to one below it.

    tools/check_rooms.py [ROOT]     ROOT: the source tree, by default this one

The rooms and the order of them are the calls of abr_room() (cmake/room.cmake) in ROOT/*/CMakeLists.txt: a room may
include what its DEPENDS name, and what those depend on. A file belongs to the room with the longest name that its
folder begins with. What is included and not in the tree is the system's, a library's or made by the build. Exit status
1: an include that leads elsewhere, or rooms in a circle.
"""
import argparse
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SOURCES = {".hpp", ".cpp", ".cuh", ".cu"}
DECLARATION = re.compile(r"^abr_room\(([^)]*)\)", re.MULTILINE)
INCLUDE = re.compile(r'^\s*#\s*include\s*["<]([^">]+)[">]')
OPTIONS = {"NAME", "DEPENDS", "SOURCES", "EXCEPT", "LIBRARIES"}


def declared_rooms(root):
    """Room -> rooms that it names as below it."""
    rooms = {}
    for file in sorted(root.glob("*/CMakeLists.txt")):
        for declaration in DECLARATION.findall(file.read_text(encoding="utf-8")):
            name, *words = declaration.split()
            if name in rooms:
                sys.exit(f"{file}: the room {name} is declared twice")
            option, rooms[name] = None, set()
            for word in words:
                if word in OPTIONS:
                    option = word
                elif option == "DEPENDS":
                    rooms[name].add(word)
    if not rooms:
        sys.exit(f"{root}: no CMakeLists.txt declares a room")
    return rooms


def rooms_below(rooms):
    """Room -> every room that it may include. Ends the program where rooms depend on each other."""
    below = {}

    def visit(room, way):
        if room in way:
            sys.exit("rooms in a circle: " + " -> ".join(way[way.index(room) :] + [room]))
        if room not in rooms:
            sys.exit(f"{way[-1]} depends on {room}, which is no room")
        if room not in below:
            found = set()
            for other in sorted(rooms[room]):
                found |= {other} | visit(other, way + [room])
            below[room] = found
        return below[room]

    for room in rooms:
        visit(room, [])
    return below


def room_of(path, rooms):
    """path: of a file, relative to the root."""
    return next((str(folder) for folder in path.parents if str(folder) in rooms), None)


def included_file(root, includer, name):
    """The file of the tree that a line includes, relative to the root, or None."""
    for folder in (includer.parent, root):
        target = (folder / name).resolve()
        if target.is_file() and target.is_relative_to(root):
            return target.relative_to(root)
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", nargs="?", type=pathlib.Path, default=ROOT)
    root = parser.parse_args().root.resolve()
    rooms = declared_rooms(root)
    below = rooms_below(rooms)
    wrong = checked = 0
    for top in sorted({room.split("/")[0] for room in rooms}):
        for file in sorted((root / top).rglob("*")):
            if file.suffix not in SOURCES:
                continue
            path = file.relative_to(root)
            room = room_of(path, rooms)
            for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
                match = INCLUDE.match(line)
                target = match and included_file(root, file, match[1])
                if not target:
                    continue
                checked += 1
                other = room_of(target, rooms)
                if other == room or other in below[room]:
                    continue
                where = f"{other}, which is not below {room}" if other else "no room of the product"
                print(f"{path}:{number}: includes {target} of {where}", file=sys.stderr)
                wrong += 1
    print(f"{checked} includes among {len(rooms)} rooms, {wrong} of them not downwards")
    return 1 if wrong or not checked else 0


if __name__ == "__main__":
    sys.exit(main())
