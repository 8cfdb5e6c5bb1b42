"""Every command that looks, as it may be typed where `typed.settle` and `typed.lay_out` were."""

from typed import EVENT, MESSAGE

NIGHT = ("--conversation", "Night shift")
LOOKS: dict[str, tuple[tuple[str, ...], ...]] = {
    "users list": ((), ("--role", "support", "--permission", "user.read", "--provider", "google", "-o", "json")),
    "users show": (("ada",),),
    "users can": (("ada", "user.read"),),
    "users export-data": (("ada", "--to", "ada.zip"),),
    "users export": (("--with-password-hashes",),),
    "roles list": ((),),
    "roles show": (("support",),),
    "roles matrix": ((),),
    "roles diff": (("support", "temp"),),
    "permissions list": ((),),
    "permissions show": (("user.read",),),
    "conversations list": ((), ("--user", "ada")),
    "conversations show": (("Night shift",),),
    "conversations transcript": (("Night shift",),),
    "messages list": ((*NIGHT, "--sender", "ada"),),
    "messages search": (("kettle",),),
    "messages show": ((str(MESSAGE),),),
    "messages tail": (NIGHT,),
    "seeds plan": (("seed.yaml",),),
    "seeds export": ((),),
    "seeds test": (("seed.yaml", "--live"),),
    "audit list": ((), ("--target", "ada")),
    "audit show": ((str(EVENT),),),
    "db status": ((),),
    "db check": ((),),
    "db stats": ((),),
    "db indexes": ((),),
}
