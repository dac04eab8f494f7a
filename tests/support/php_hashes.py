"""Passwords as PHP hashes them."""

from tests.support.store import PASSWORD, hash_of

SALT = "3f1c0a7be2d94c5f8a6b1e0d7c2f9a41"

FOREIGN = "Pässwörd – 日本語 🗝"

LONG = "Långt lösenord " * 20

# Made by PHP 8.2: password_hash(sha1($salt . $password), …), with its default costs where the hash
# does not say otherwise.
KNOWN = {
    "argon2i": (
        SALT,
        "demo",
        "$argon2i$v=19$m=65536,t=4,p=1$ekRzc1YzWjU3MHhiRllUVw$Oik/28EyXXXfK5LxEC/xauYqr9/aZzf6AhNiWynzus4",
    ),
    "argon2i, not ASCII": (
        SALT,
        FOREIGN,
        "$argon2i$v=19$m=65536,t=4,p=1$ZlQuRTR5bkQ2aHQ5RFNYSQ$CCT4F8T+taNmcqYZ4boColvKmiRgqfXLs0/Vtg+xhQk",
    ),
    "argon2id, not ASCII": (
        SALT,
        FOREIGN,
        "$argon2id$v=19$m=65536,t=4,p=1$ZjdzWWltMG4uTjB0WWplUw$U06yKyMoWR1KXo0IZD2Re4+IjZg3mt0aD54Pt4Lpk8E",
    ),
    "argon2id, long, another cost": (
        SALT,
        LONG,
        "$argon2id$v=19$m=8192,t=2,p=1$VmV4SGFtQ1JWd0l2NUpTQw$arkyJRnNCsoQWen0bPztwW47u94u8G5YsROjrzdoTjA",
    ),
    "bcrypt, not ASCII": (
        SALT,
        FOREIGN,
        "$2y$10$aCpdX2ix23qbfUTgOcVKM.nmFr77Rxen8SKjXML/AaEDr7EhOSSW6",
    ),
    "bcrypt, long, cost 12": (
        SALT,
        LONG,
        "$2y$12$2HTHJWEOznz11rQ3a6wCO.wuTAieF7WuDgxHnVPqs8J7ajyODKweu",
    ),
    "bcrypt, salt not ASCII": (
        "sälz",
        'it\'s "quoted" \\ 100% ',
        "$2y$10$99hlye1.J.TsqqeU6ZbfDOXnoKUu5pNnYXSKLvNgWrR6KgIXO0wPa",
    ),
    "bcrypt, NUL": (
        SALT,
        "before\0after",
        "$2y$10$bYqlN6BelKsFaURukfogxOkFUqKJQplPfVNTq3ladg//bsoLhJ16q",
    ),
    "bcrypt, no salt": (
        "",
        "plain",
        "$2y$10$mhU2tcCL/Z7Yl4YU3PQQNO.22hpzLIrXZhMEVwR4sjvCU22cdmZ5.",
    ),
}

CHEAP = hash_of(PASSWORD, SALT)
