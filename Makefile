# The targets of the project; each installs what it lacks first (SKIP_INSTALL=1 forbids that).
# Meson does the building; this file only names the things that people ask for.

MESON_DIRS := build/release build/check build/tsan build/fuzz
JOBS ?= $(shell nproc)
export LC_ALL := C.UTF-8

.PHONY: all demo serve check e2e bench fuzz soak lint docs clean

all: build/touchdown

build/touchdown: FORCE
	@tools/install.sh build
	@tools/build.sh release
	@cp -f build/release/src/app/touchdown build/release/src/app/touchdown-device build/
	@for name in touchdown touchdown-device; do build/$$name help --man >build/$$name.1 || exit 1; done

demo: all
	@tools/install.sh demo
	@python3 tests/e2e/demo.py

serve: all
	@tools/install.sh demo
	@python3 tests/e2e/demo.py --serve

check:
	@tools/install.sh build demo check tpm
	@tools/check.py

e2e: all
	@tools/install.sh demo tpm machine ad
	@command -v npm >/dev/null || [ "$$SKIP_INSTALL" = 1 ] || tools/install.sh client
	@python3 tests/e2e/run.py $(SCENARIO)

bench: all
	@tools/install.sh demo bench
	@python3 tests/bench/run.py

fuzz:
	@tools/install.sh build check fuzz
	@tools/fuzz.sh $(or $(SECONDS_EACH),30)

soak: all
	@tools/install.sh demo tpm
	@python3 tests/e2e/run.py --soak $(SCENARIO)

lint:
	@tools/install.sh build check lint
	@tools/lint.sh

docs: all
	@tools/docs.sh

clean:
	rm -rf build

FORCE:
