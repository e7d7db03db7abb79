# Apache ECharts (Apache-2.0), fetched once from the npm registry and checked, into the build's own share
# folder, where hwnas finds it. Without a network hwnas is built all the same, only `hwnas report` says
# what it lacks.
set(HWNAS_ECHARTS "" CACHE FILEPATH "A copy of echarts.min.js (version 6); unset: it is fetched")
set(echarts_version 6.1.0)
set(echarts_sha256 681aff88cc1038c3fa941a3a53d1b177a52250b05335efc607d6105ae13be481)
set(echarts_folder ${PROJECT_BINARY_DIR}/share/hwnas/report)
set(echarts ${echarts_folder}/echarts.min.js)

if(HWNAS_ECHARTS)
  configure_file(${HWNAS_ECHARTS} ${echarts} COPYONLY)
elseif(NOT EXISTS ${echarts})
  set(archive ${PROJECT_BINARY_DIR}/echarts-${echarts_version}.tgz)
  message(STATUS "Fetching ECharts ${echarts_version} for hwnas report")
  file(DOWNLOAD https://registry.npmjs.org/echarts/-/echarts-${echarts_version}.tgz ${archive}
       STATUS outcome INACTIVITY_TIMEOUT 30 TIMEOUT 300)
  list(GET outcome 0 failed)
  if(NOT failed)
    file(SHA256 ${archive} got)
    if(NOT got STREQUAL echarts_sha256)
      set(failed 1)
      set(outcome "its SHA-256 is ${got}, expected ${echarts_sha256}")
    endif()
  endif()
  if(failed)
    message(WARNING "hwnas report will lack its charts: ECharts could not be fetched (${outcome}); "
                    "give a copy with -DHWNAS_ECHARTS=/path/to/echarts.min.js")
  else()
    file(ARCHIVE_EXTRACT INPUT ${archive} DESTINATION ${PROJECT_BINARY_DIR}/echarts
         PATTERNS package/dist/echarts.min.js package/LICENSE package/NOTICE)
    file(MAKE_DIRECTORY ${echarts_folder})
    file(RENAME ${PROJECT_BINARY_DIR}/echarts/package/dist/echarts.min.js ${echarts})
    foreach(name LICENSE NOTICE)
      file(RENAME ${PROJECT_BINARY_DIR}/echarts/package/${name} ${echarts_folder}/echarts.${name})
    endforeach()
  endif()
  file(REMOVE ${archive})
endif()
install(DIRECTORY ${echarts_folder} DESTINATION ${HWNAS_DATA_DIR} OPTIONAL)
