# A room of the house: a folder of the product, its library, and the rooms below it that it may include.
#
#   abr_room(FOLDER [NAME target] [DEPENDS room...] [SOURCES pattern...] [EXCEPT file...] [LIBRARIES library...])
#
# FOLDER is relative to the source tree and names the room; its target is abr_FOLDER with "_" for "/", unless NAME says
# otherwise. DEPENDS names rooms that were declared before, so that the linker knows the order; what those depend on may
# be included too. tools/check_rooms.py reads these calls and holds every #include against them. SOURCES: patterns
# within the folder, *.cpp by default; EXCEPT: files of them that are left out. A room without sources is an interface.
function(abr_room folder)
  cmake_parse_arguments(PARSE_ARGV 1 room "" "NAME" "DEPENDS;SOURCES;EXCEPT;LIBRARIES")
  if(NOT room_NAME)
    string(REPLACE "/" "_" room_NAME abr_${folder})
  endif()
  if(NOT room_SOURCES)
    set(room_SOURCES *.cpp)
  endif()
  list(TRANSFORM room_SOURCES PREPEND ${PROJECT_SOURCE_DIR}/${folder}/)
  list(TRANSFORM room_EXCEPT PREPEND ${PROJECT_SOURCE_DIR}/${folder}/)
  file(GLOB sources CONFIGURE_DEPENDS ${room_SOURCES})
  list(REMOVE_ITEM sources ${room_EXCEPT})
  set(below abr_options)
  foreach(other IN LISTS room_DEPENDS)
    get_property(target GLOBAL PROPERTY abr_room_${other})
    if(NOT target)
      message(FATAL_ERROR "${folder} depends on ${other}, which is no room below it")
    endif()
    list(APPEND below ${target})
  endforeach()
  if(sources)
    add_library(${room_NAME} STATIC ${sources})
    target_link_libraries(${room_NAME} PUBLIC ${below} ${room_LIBRARIES})
  else()
    add_library(${room_NAME} INTERFACE)
    target_link_libraries(${room_NAME} INTERFACE ${below} ${room_LIBRARIES})
  endif()
  set_property(GLOBAL PROPERTY abr_room_${folder} ${room_NAME})
endfunction()
