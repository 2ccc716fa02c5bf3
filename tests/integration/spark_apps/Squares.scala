// A Spark application for the JVM: the sum of the squares of 1 to n, into a file.
import java.nio.file.{Files, Paths}
import org.apache.spark.sql.SparkSession

object Squares {
  def main(args: Array[String]): Unit = {
    val spark = SparkSession.builder.appName("squares").getOrCreate()
    val sum = spark.sparkContext.range(1, args(0).toLong + 1, 1, 4).map(n => n * n).sum().toLong
    println(s"Scala says $sum")
    Files.writeString(Paths.get(args(1)), s"""{"sum": $sum}""")
    spark.stop()
  }
}
