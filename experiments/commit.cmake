# cmake -DTREE=... -DHEADER=... -P commit.cmake: writes the header where the commit is another one.
set(commit "")
if(EXISTS ${TREE}/.git)
  execute_process(COMMAND git describe --always --dirty --abbrev=9 --match=v* WORKING_DIRECTORY ${TREE}
                  OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
elseif(EXISTS ${TREE}/.commit)
  file(STRINGS ${TREE}/.commit commit LIMIT_COUNT 1 REGEX "^[0-9a-f]+$")
endif()
if(NOT commit)
  set(commit "unknown commit")
endif()
file(CONFIGURE OUTPUT ${HEADER} CONTENT "#define HWNAS_COMMIT \"${commit}\"\n" @ONLY)
