// Who this user is, and the presence record that tells the others.

import { randomId } from './ids.js'
import { personColor } from './palette.js'

const NAME_KEY = 'roomsync.name'
const MAX_NAME = 40
const FIRST = ['Quiet', 'Bright', 'Gentle', 'Brave', 'Clever', 'Merry', 'Calm', 'Swift', 'Kind', 'Lucky', 'Mellow', 'Sunny']
const SECOND = ['Otter', 'Heron', 'Fox', 'Wren', 'Badger', 'Lynx', 'Robin', 'Hare', 'Finch', 'Seal', 'Marten', 'Owl']

export class Person {
  // One per tab, so that two tabs of one browser are two people.
  #key = remembered(sessionStorage, 'roomsync.user', () => randomId())
  #made = remembered(sessionStorage, 'roomsync.madeUpName', () => `${pick(FIRST)} ${pick(SECOND)}`)
  color = personColor(this.#key)

  /** The name that the user chose, or one made up for this tab. */
  get name() {
    return read(localStorage, NAME_KEY) || this.#made
  }

  set name(name) {
    write(localStorage, NAME_KEY, name.trim().slice(0, MAX_NAME))
  }

  /** This user as others should see them now. */
  presence(editor) {
    const { camera, screen, pointer, selection, marquee } = editor
    return {
      id: `instance_presence:${this.#key}`,
      typeName: 'instance_presence',
      userId: `user:${this.#key}`,
      userName: this.name,
      color: this.color,
      currentPageId: editor.pageId,
      cursor: pointer && { x: pointer.x, y: pointer.y, type: 'default', rotation: 0 },
      camera: { x: camera.x, y: camera.y, z: camera.z },
      screenBounds: { x: 0, y: 0, w: screen.w, h: screen.h },
      selectedShapeIds: [...selection],
      brush: marquee,
      scribbles: [],
      chatMessage: '',
      followingUserId: null,
      lastActivityTimestamp: null,
      meta: {},
    }
  }
}

/** Another person from a presence record; what came from outside is only taken where it makes sense. */
export function personSeen(record) {
  const { id, userName, color, cursor, brush, selectedShapeIds, currentPageId } = record
  const name = typeof userName === 'string' && userName.trim() !== '' ? userName.trim() : 'Someone'
  return {
    id,
    name,
    color: CSS.supports('color', color) ? color : personColor(name),
    cursor: isPlace(cursor) ? cursor : null,
    brush: isPlace(brush) && Number.isFinite(brush.w + brush.h) ? brush : null,
    selection: new Set(Array.isArray(selectedShapeIds) ? selectedShapeIds : []),
    pageId: currentPageId,
  }
}

function isPlace(value) {
  return Number.isFinite(value?.x) && Number.isFinite(value?.y)
}

function pick(list) {
  return list[Math.floor(Math.random() * list.length)]
}

// Storage throws where the user forbids it; then names last as long as the page.
const fallback = new Map()

function read(storage, key) {
  try {
    return storage.getItem(key)
  } catch {
    return fallback.get(key)
  }
}

function write(storage, key, value) {
  fallback.set(key, value)
  try {
    storage.setItem(key, value)
  } catch {
    // Kept in memory above.
  }
}

function remembered(storage, key, make) {
  const known = read(storage, key)
  if (known) return known
  const made = make()
  write(storage, key, made)
  return made
}
