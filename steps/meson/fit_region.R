# The model of one region: how alike items are, by who met them (cosine with shrinkage), as each item's nearest.
# Rscript fit_region.R TRAIN.csv NEIGHBOURS.csv K SHRINKAGE ATTEMPT

say <- function(fraction, text) {
  file <- Sys.getenv("KAON_MESSAGES")
  if (nzchar(file)) cat(sprintf('{"progress": %f, "text": "%s"}\n', fraction, text), file = file, append = TRUE)
}

arguments <- commandArgs(trailingOnly = TRUE)
k <- as.integer(arguments[3])
shrinkage <- as.numeric(arguments[4]) / as.integer(arguments[5])  # a later attempt trusts rare pairs more

train <- read.csv(arguments[1], colClasses = "character")
users <- factor(train$user_id)
items <- factor(train$item_id)
met <- matrix(0, nlevels(users), nlevels(items))
met[cbind(as.integer(users), as.integer(items))] <- 1
say(0.2, sprintf("%d users, %d items", nrow(met), ncol(met)))

together <- crossprod(met)
counts <- diag(together)
alike <- together / (sqrt(outer(counts, counts)) + shrinkage)
diag(alike) <- 0
say(0.7, "nearest items")

nearest <- lapply(seq_len(ncol(alike)), function(item) {
  best <- order(-alike[, item], seq_len(nrow(alike)))[seq_len(min(k, nrow(alike) - 1))]
  best <- best[alike[best, item] > 0]
  if (length(best) == 0) return(NULL)
  data.frame(item_id = levels(items)[item], neighbour = levels(items)[best], similarity = round(alike[best, item], 9))
})
write.csv(do.call(rbind, nearest), arguments[2], row.names = FALSE, quote = FALSE)
cat(sprintf("%d items, shrinkage %g\n", ncol(alike), shrinkage))
